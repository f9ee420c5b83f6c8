# OK t29 history_of_rebound_states
# h is a new tensor every step.

import tenure as torch

h, history = torch.zeros(1), []
for _ in range(3):
    h = h + 1.0
    history.append(h)
got = [v.item() for v in history]
want = [1.0, 2.0, 3.0]
