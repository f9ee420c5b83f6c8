# HAZARD 45 checkpoint_captured_state
# A checkpoint is computed once more in the backward; a captured tensor changed in between.
# outcome: impossible

import tenure as torch

scale = torch.tensor([2.0]).mut()
x = torch.ones(1, requires_grad=True)
y = torch.checkpoint(lambda t: (t * scale) ** 2, x)
scale *= 5.0
y.sum().backward()
got = x.grad.item()
want = 8.0
