# HAZARD 66 out_of_bounds_write
# An out-of-bounds write is no silent nothing.
# outcome: TN801

import tenure as tn

x = tn.zeros(3).mut()
x[5] = 1.0  # culprit
got = x.sum().item()
want = "IndexError"
