# OK t03 inplace_on_unsaved_input
# A place that holds a computed value is written after it was used.

import tenure as torch

x = torch.zeros(2, requires_grad=True)
u = (x * 1.0).mut()
e = u.exp()
u[0] = 66.0
e.sum().backward()
got = x.grad.tolist()
want = [1.0, 1.0]
