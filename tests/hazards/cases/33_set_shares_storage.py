# HAZARD 33 set_shares_storage
# set_ would make best a second name of w's storage.
# outcome: impossible

import tenure as torch

best, w = torch.zeros(2).mut(), torch.ones(2).mut()
best.set_(w)
w.mul_(5.0)
got = best.tolist()
want = [1.0, 1.0]
