# OK 44 leaf_written_in_a_computation
# The normalized weight is a value.

import tenure as torch

w = torch.tensor([3.0, 4.0], requires_grad=True)
u = w / 5.0
u.sum().backward()
got = [round(g, 6) for g in w.grad.tolist()]
want = [0.2, 0.2]
