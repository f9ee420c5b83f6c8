# OK 43 numpy_write_under_graph
# A copied array.

import tenure as torch

x = torch.tensor([3.0], requires_grad=True)
z = (x * x).sum()
view = x.detach().numpy().copy()
view[0] = 10.0
z.backward()
got = x.grad.item()
want = 6.0
