# HAZARD 12b previous_iterate_by_name
# x_prev = x is a second name of the place.
# outcome: shared name

import tenure as tn

x = tn.ones(2).mut()
x_prev = x
x.mul_(0.5)  # culprit
got = (x - x_prev).abs().max().item()
want = 0.5
