# HAZARD 52 total_keeps_every_graph
# total += loss keeps the graph of every step where losses are not detached; after backward they are numbers.
# outcome: impossible

import tenure as torch

w = torch.ones(1, requires_grad=True)
total = torch.tensor(0.0)
for _ in range(3):
    loss = (w * w).sum()
    loss.backward()
    total += loss.detach()
    with torch.no_grad():
        w -= 0.1 * w.grad
    w.grad = None
got = (round(total.item(), 4), total.requires_grad)
want = (2.0496, False)
