# HAZARD 50 hook_writes_the_gradient
# A gradient hook scales its argument in place, and with it what other consumers see.
# outcome: TN594

import tenure as torch

w = torch.ones(2, requires_grad=True)
w.register_hook(lambda g: g.mul_(2.0))  # culprit
(w * 3).sum().backward()
got = w.grad.tolist()
want = [6.0, 6.0]
