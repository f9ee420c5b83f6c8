# HAZARD 65 out_of_bounds
# An out-of-bounds read is an error at its line.
# outcome: TN801

import tenure as tn

x = tn.arange(5.0)
i = 10
got = x[i].item()  # culprit
want = "IndexError"
