"""Neural ODE: Runge-Kutta steps through a module, gradient by an adjoint Function."""

import numpy as np
import torch
from start import normal, start
from torch import nn


class Dynamics(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, t, y):
        return self.net(y**3)


def rk4(f, y, ts):
    ys = [y]
    for t0, t1 in zip(ts[:-1], ts[1:]):
        h = t1 - t0
        k1 = f(t0, y)
        k2 = f(t0 + h / 2, y + h * k1 / 2)
        k3 = f(t0 + h / 2, y + h * k2 / 2)
        k4 = f(t1, y + h * k3)
        y = y + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6
        ys.append(y)
    return torch.stack(ys)


class Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, f, y0, ts, *params):
        with torch.no_grad():
            out = rk4(f, y0, ts)
        ctx.f = f
        ctx.save_for_backward(out, ts, *params)
        return out

    @staticmethod
    def backward(ctx, g):
        out, ts, *params = ctx.saved_tensors
        f = ctx.f
        a = g[-1].clone()
        totals = [torch.zeros_like(p) for p in params]
        for k in range(len(ts) - 1, 0, -1):
            with torch.enable_grad():
                y = out[k - 1].detach().requires_grad_(True)
                step = rk4(f, y, ts[k - 1 : k + 1])[-1]
            found = torch.autograd.grad(step, (y, *params), a, allow_unused=True)
            a = found[0] + g[k - 1]
            for total, part in zip(totals, found[1:]):
                total += part
        return (None, a, None, *totals)


rng = np.random.default_rng(0)
true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
ts = torch.linspace(0.0, 1.0, 6)
y0 = normal(rng, 8, 2)
with torch.no_grad():
    target = rk4(lambda t, y: torch.mm(y**3, true_A), y0, ts)
f = start(Dynamics(), scale=0.5)
optimizer = torch.optim.RMSprop(f.parameters(), lr=1e-3)
for step in range(20):
    optimizer.zero_grad()
    if step % 2:
        pred = Adjoint.apply(f, y0, ts, *f.parameters())
    else:
        pred = rk4(f, y0, ts)
    loss = torch.mean(torch.abs(pred - target))
    loss.backward()
    optimizer.step()
    print("Iter {:04d} | Total Loss {:.6f}".format(step, loss.item()))
