# HAZARD 25 numpy_snapshot_follows_weights
# w.detach().numpy() is kept as "weights before" the step.
# outcome: impossible

import tenure as torch

w = torch.ones(1, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.5)
before = w.detach().numpy()
w.sum().backward()
opt.step()
got = float(abs(w.detach().numpy() - before).sum())
want = 0.5
