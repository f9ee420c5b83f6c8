# HAZARD 47b stale_gradient_written
# A kept gradient is scaled after the next backward: the write comes too late, and says so.
# outcome: TN597

import tenure as torch

w = torch.ones(1, requires_grad=True)
(2 * w).backward()
prev = w.grad
(3 * w).backward()
prev.mul_(0.5)  # culprit
got = w.grad.item()
want = 4.0
