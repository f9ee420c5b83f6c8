# OK 03 data_write_under_graph
# Backward first, then the write.

import tenure as torch

x = torch.tensor(3.0, requires_grad=True)
z = x * x
z.backward()
got = x.grad.item()
with torch.no_grad():
    x.mul_(10.0)
want = 6.0
