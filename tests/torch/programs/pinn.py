"""Physics-informed network for Burgers' equation: derivatives of the output by autograd.grad."""

import numpy as np
import torch
from start import start
from torch.autograd import grad


class Net(torch.nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(a, b) for a, b in zip(layers[:-1], layers[1:])])

    def forward(self, x, t):
        h = torch.hstack([x, t])
        for layer in self.layers[:-1]:
            h = torch.tanh(layer(h))
        return self.layers[-1](h)


def derivative(y, x):
    return grad(y, x, grad_outputs=torch.ones_like(y), create_graph=True)[0]


torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(0)
net = start(Net([2, 20, 20, 1]).double())
x = torch.tensor(rng.uniform(-1, 1, (40, 1)), requires_grad=True)
t = torch.tensor(rng.uniform(0, 1, (40, 1)), requires_grad=True)
x0 = torch.linspace(-1, 1, 20).view(-1, 1)
u0 = -torch.sin(np.pi * x0)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(20):
    optimizer.zero_grad()
    u = net(x, t)
    u_x, u_t = derivative(u, x), derivative(u, t)
    u_xx = derivative(u_x, x)
    residual = u_t + u * u_x - (0.01 / np.pi) * u_xx
    loss_f = torch.mean(residual**2)
    loss_0 = torch.nn.functional.mse_loss(net(x0, torch.zeros_like(x0)), u0)
    edge = torch.ones(20, 1)
    loss_b = (net(edge, x0.abs()) ** 2).mean() + (net(-edge, x0.abs()) ** 2).mean()
    loss = loss_f + loss_0 + loss_b
    loss.backward()
    optimizer.step()
    print(step, f"{loss.item():.8f} {loss_f.item():.8f} {loss_0.item():.8f}")
print(torch.get_default_dtype(), net.layers[0].weight.dtype, x.grad is not None)
