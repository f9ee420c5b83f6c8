# HAZARD 65b out_of_bounds_index_tensor
# By an index tensor too, and the line is the one that indexed.
# outcome: TN801

import tenure as tn

x = tn.arange(5.0)
i = tn.tensor([3]) + 7
y = x[i]  # culprit
got = y.item()
want = "IndexError"
