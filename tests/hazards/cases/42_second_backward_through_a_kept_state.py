# HAZARD 42 second_backward_through_a_kept_state
# h is carried from step to step without detach: the second backward walks the first step's graph.
# outcome: TN382

import tenure as torch

w = torch.ones(1, requires_grad=True)
h = torch.zeros(1)
for _ in range(2):
    h = (h + w).tanh()
    h.sum().backward()  # culprit
got = w.grad is not None
want = True
