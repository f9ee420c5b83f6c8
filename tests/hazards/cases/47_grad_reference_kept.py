# HAZARD 47 grad_reference_kept
# prev = w.grad is kept; the next backward accumulates.
# outcome: impossible

import tenure as torch

w = torch.ones(1, requires_grad=True)
(2 * w).backward()
prev = w.grad
(3 * w).backward()
got = prev.item()
want = 2.0
