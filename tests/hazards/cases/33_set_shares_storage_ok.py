# OK 33 set_shares_storage
# copy_ copies the values.

import tenure as torch

best, w = torch.zeros(2).mut(), torch.ones(2).mut()
best.copy_(w)
w.mul_(5.0)
got = best.tolist()
want = [1.0, 1.0]
