# OK 11 zeros_like_double_name
# Two places.

import tenure as torch

p = torch.ones(1)
m, v = torch.zeros_like(p).mut(), torch.zeros_like(p).mut()
g = torch.full_like(p, 2.0)
m.mul_(0.9).add_(0.1 * g)
v.mul_(0.99).add_(0.01 * g * g)
got = round(m.item(), 6)
want = 0.2
