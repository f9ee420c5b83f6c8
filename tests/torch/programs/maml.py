"""Model-agnostic meta-learning on sine waves: gradients through gradient steps."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from start import start
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1, self.hidden2, self.hidden3 = nn.Linear(1, 20), nn.Linear(20, 20), nn.Linear(20, 1)

    def forward(self, x):
        return self.hidden3(F.relu(self.hidden2(F.relu(self.hidden1(x)))))


def functional(x, params):
    x = F.relu(F.linear(x, params[0], params[1]))
    x = F.relu(F.linear(x, params[2], params[3]))
    return F.linear(x, params[4], params[5])


rng = np.random.default_rng(0)
model = start(Model())
meta = torch.optim.Adam(model.parameters(), lr=1e-3)
for it in range(20):
    meta_loss = 0.0
    for task in range(3):
        amplitude, phase = rng.uniform(0.1, 5.0), rng.uniform(0, math.pi)
        x = torch.tensor(rng.uniform(-5, 5, (20, 1)), dtype=torch.float)
        y = amplitude * torch.sin(x + phase)
        fast = list(model.parameters())
        for _ in range(2):
            inner = F.mse_loss(functional(x[:10], fast), y[:10])
            grads = torch.autograd.grad(inner, fast, create_graph=True)
            fast = [w - 0.01 * g for w, g in zip(fast, grads)]
        meta_loss = meta_loss + F.mse_loss(functional(x[10:], fast), y[10:])
    meta.zero_grad()
    (meta_loss / 3).backward()
    nn.utils.clip_grad_value_(model.parameters(), 10.0)
    meta.step()
    print(it, f"{meta_loss.item() / 3:.5f}")
