# HAZARD 48 losses_kept_for_a_log
# Kept losses keep their graphs, and with them the weights of every step; after backward a loss is a number.
# outcome: impossible

import tenure as torch

w = torch.ones(1, requires_grad=True)
log = []
for _ in range(3):
    loss = (w * w).sum()
    loss.backward()
    log.append(loss)
    with torch.no_grad():
        w -= 0.1 * w.grad
    w.grad = None
got = [round(x.item(), 4) for x in log]
want = [1.0, 0.64, 0.4096]
