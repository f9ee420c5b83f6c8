"""Polynomial regression, and the tour of autograd by hand: NumPy bridges, legacy names, hooks, printing."""

from itertools import count

import numpy as np
import torch
import torch.nn.functional as F
from start import normal, start
from torch.autograd import Variable

POLY_DEGREE = 4
rng = np.random.default_rng(0)
W_target, b_target = normal(rng, POLY_DEGREE, 1) * 5, normal(rng, 1) * 5


def make_features(x):
    x = x.unsqueeze(1)
    return torch.cat([x**i for i in range(1, POLY_DEGREE + 1)], 1)


fc = start(torch.nn.Linear(W_target.size(0), 1))
for batch_idx in count(1):
    x = normal(rng, 32)
    batch_x = make_features(x)
    batch_y = batch_x.mm(W_target) + b_target.item()
    fc.zero_grad()
    output = F.smooth_l1_loss(fc(batch_x), batch_y)
    loss = output.item()
    output.backward()
    for param in fc.parameters():
        param.data.add_(-0.02 * param.grad)
    print(batch_idx, f"{loss:.6f}")
    if batch_idx >= 20 or loss < 1e-3:
        break
x = Variable(torch.ones(2, 2), requires_grad=True)
seen = []
y = x + 2
y.register_hook(lambda g: seen.append(g.clone()))
z = y * y * 3
out = z.mean()
out.backward()
print(x.grad, seen[0].sum(), x.data.numpy().sum(), y.grad_fn is not None)
print(z, out)
q = torch.Tensor([[1, 2], [3, 4]]).type(torch.FloatTensor)
r = q.clone().requires_grad_()
(r.t() @ r).trace().backward()
print(r.grad, r.is_leaf, torch.is_tensor(r), q.type(), isinstance(q, torch.FloatTensor))
q[0, :] = 0
q[1][1] += 5
print(q, q.numpy().tolist(), torch.max(q, 1)[1].tolist(), q.max(0))
print(torch.arange(6).view(2, 3), torch.linspace(0, 1, steps=3), torch.tensor(3), torch.tensor([1.5, 1e6]))
