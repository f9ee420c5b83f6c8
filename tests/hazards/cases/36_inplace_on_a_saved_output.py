# HAZARD 36 inplace_on_a_saved_output
# sigmoid saves its output for the backward; an in-place write of it would give the gradient of another function.
# outcome: impossible

import tenure as torch

x = torch.zeros(1, requires_grad=True)
y = x.sigmoid().mut()
z = y * 1.0
y.mul_(100.0)
z.sum().backward()
got = x.grad.item()
want = 0.25
