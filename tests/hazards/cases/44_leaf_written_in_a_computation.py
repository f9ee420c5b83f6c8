# HAZARD 44 leaf_written_in_a_computation
# A leaf is normalized in place before it is used.
# outcome: TN594

import tenure as torch

w = torch.tensor([3.0, 4.0], requires_grad=True)
w /= 5.0  # culprit
w.sum().backward()
got = w.grad.tolist()
want = [1.0, 1.0]
