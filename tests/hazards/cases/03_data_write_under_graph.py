# HAZARD 03 data_write_under_graph
# x.data is written while the graph of z still needs x.
# outcome: impossible

import tenure as torch

x = torch.tensor(3.0, requires_grad=True)
z = x * x
x.data.mul_(10.0)
z.backward()
got = x.grad.item()
want = 6.0
