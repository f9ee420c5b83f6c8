# OK 50 hook_writes_the_gradient
# It returns another.

import tenure as torch

w = torch.ones(2, requires_grad=True)
w.register_hook(lambda g: g * 2.0)
(w * 3).sum().backward()
got = w.grad.tolist()
want = [6.0, 6.0]
