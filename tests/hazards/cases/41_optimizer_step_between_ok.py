# OK 41 optimizer_step_between
# The second forward runs after the step.

import tenure as torch
from tenure import nn

D = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
opt = torch.optim.SGD(D.parameters(), lr=0.1)
fake = torch.ones(1, 1, requires_grad=True)
d_loss = D(fake.detach()).mean()
d_loss.backward()
opt.step()
g_loss = D(fake).mean()
g_loss.backward()
got = abs(fake.grad.item() - (D[0].weight * D[1].weight).item()) < 1e-6
want = True
