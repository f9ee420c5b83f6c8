# HAZARD 58b layer_replaced_under_the_optimizer
# A parameter is wrapped anew: the optimizer goes on with the old one.
# outcome: TN597

import tenure as torch
from tenure import nn

net = nn.Linear(1, 1, bias=False)
opt = torch.optim.SGD(net.parameters(), lr=0.5)
net.weight = nn.Parameter(net.weight * 2)
net(torch.ones(1, 1)).sum().backward()
opt.step()  # culprit
got = net.weight.grad is None
want = True
