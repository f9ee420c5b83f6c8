# HAZARD 41 optimizer_step_between
# The discriminator steps between the forward and the backward of the generator loss.
# outcome: impossible

import tenure as torch
from tenure import nn

D = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
opt = torch.optim.SGD(D.parameters(), lr=0.1)
fake = torch.ones(1, 1, requires_grad=True)
slope = (D[0].weight * D[1].weight).item()
d_loss, g_loss = D(fake.detach()).mean(), D(fake).mean()
d_loss.backward()
opt.step()
g_loss.backward()
got = abs(fake.grad.item() - slope) < 1e-6
want = True
