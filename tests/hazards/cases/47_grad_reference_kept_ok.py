# OK 47 grad_reference_kept
# clone.

import tenure as torch

w = torch.ones(1, requires_grad=True)
(2 * w).backward()
prev = w.grad.clone()
(3 * w).backward()
got = prev.item()
want = 2.0
