# HAZARD 27 expand_then_write
# expand makes four elements of one cell; y[0] = 1 would change all four.
# outcome: TN594

import tenure as torch

x = torch.zeros(1)
y = x.expand(4)
y[0] = 1.0  # culprit
got = y.tolist()
want = [1.0, 0.0, 0.0, 0.0]
