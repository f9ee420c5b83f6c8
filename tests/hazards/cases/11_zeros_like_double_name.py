# HAZARD 11 zeros_like_double_name
# m = v = zeros_like(p): a hand-written Adam keeps both moments in one tensor.
# outcome: TN594

import tenure as torch

p = torch.ones(1)
m = v = torch.zeros_like(p)
g = torch.full_like(p, 2.0)
m.mul_(0.9).add_(0.1 * g)  # culprit
v.mul_(0.99).add_(0.01 * g * g)
got = m.item()
want = 0.2
