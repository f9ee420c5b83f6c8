# OK 45 checkpoint_captured_state
# The value is bound as a default.

import tenure as torch

scale = torch.tensor([2.0]).mut()
x = torch.ones(1, requires_grad=True)
y = torch.checkpoint(lambda t, s=scale.clone(): (t * s) ** 2, x)
scale *= 5.0
y.sum().backward()
got = x.grad.item()
want = 8.0
