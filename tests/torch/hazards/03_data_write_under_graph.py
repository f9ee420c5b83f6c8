# HAZARD 03 data_write_under_graph (torch)
# x.data is written while the graph of z still holds x for backward; the gradient is wrong and nothing says so.
# lines: culprit 9; alias 8; consequence 10

import torch

x = torch.tensor(3.0, requires_grad=True)
z = x * x  # alias
x.data.mul_(10.0)  # culprit
z.backward()  # consequence
got = x.grad.item()
want = 6.0
