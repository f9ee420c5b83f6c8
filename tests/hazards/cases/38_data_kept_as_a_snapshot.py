# HAZARD 38 data_kept_as_a_snapshot
# old = w.data is kept as "weights before", and w is then written in place.
# outcome: impossible

import tenure as torch

w = torch.ones(1, requires_grad=True)
old = w.data
with torch.no_grad():
    w.mul_(3.0)
got = (w - old).item()
want = 2.0
