# OK 58 optimizer_of_replaced_parameters
# The optimizer is made afterwards.

import tenure as torch
from tenure import nn

net = nn.Linear(1, 1, bias=False)
nn.init.constant_(net.weight, 1.0)
net.double()
opt = torch.optim.SGD(net.parameters(), lr=0.5)
net(torch.ones(1, 1, dtype=torch.float64)).sum().backward()
opt.step()
got = net.weight.item()
want = 0.5
