# HAZARD 43 numpy_write_under_graph
# A write through .detach().numpy() under the graph: NumPy refuses it.
# outcome: ValueError

import tenure as torch

x = torch.tensor([3.0], requires_grad=True)
z = (x * x).sum()
view = x.detach().numpy()
view[0] = 10.0  # culprit
z.backward()
got = x.grad.item()
want = 6.0
