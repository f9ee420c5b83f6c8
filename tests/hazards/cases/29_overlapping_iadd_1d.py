# HAZARD 29 overlapping_iadd_1d
# x[1:] += x[:-1]: reads and writes overlap.
# outcome: impossible

import tenure as torch

x = torch.arange(4.0).mut()
x[1:] += x[:-1]
got = x.tolist()
want = [0.0, 1.0, 3.0, 5.0]
