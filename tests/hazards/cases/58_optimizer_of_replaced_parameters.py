# HAZARD 58 optimizer_of_replaced_parameters
# The model is converted after the optimizer was made: it would update parameters that nobody uses.
# outcome: TN597

import tenure as torch
from tenure import nn

net = nn.Linear(1, 1, bias=False)
nn.init.constant_(net.weight, 1.0)
opt = torch.optim.SGD(net.parameters(), lr=0.5)
net.double()
net(torch.ones(1, 1, dtype=torch.float64)).sum().backward()
opt.step()  # culprit
got = net.weight.item()
want = 0.5
