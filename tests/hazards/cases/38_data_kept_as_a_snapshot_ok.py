# OK 38 data_kept_as_a_snapshot
# clone.

import tenure as torch

w = torch.ones(1, requires_grad=True)
old = w.data.clone()
with torch.no_grad():
    w.mul_(3.0)
got = (w - old).item()
want = 2.0
