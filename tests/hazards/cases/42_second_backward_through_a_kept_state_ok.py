# OK 42 second_backward_through_a_kept_state
# It is cut where the steps meet.

import tenure as torch

w = torch.ones(1, requires_grad=True)
h = torch.zeros(1)
for _ in range(2):
    h = (h.detach() + w).tanh()
    h.sum().backward()
got = w.grad is not None
want = True
