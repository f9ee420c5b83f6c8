# HAZARD 12 previous_iterate
# x_prev = x keeps no copy where x is then written in place; here what is read is.
# outcome: impossible

import tenure as tn

x = tn.ones(2).mut()
x_prev = x.value
x.mul_(0.5)
got = (x - x_prev).abs().max().item()
want = 0.5
