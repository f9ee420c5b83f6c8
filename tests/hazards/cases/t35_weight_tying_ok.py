# OK t35 weight_tying
# One parameter in two layers is one on purpose.

import tenure as torch
from tenure import nn

a, b = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
b.weight = a.weight
net = nn.Sequential(a, b)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
net(torch.ones(1, 2)).sum().backward()
opt.step()
got = (len(list(net.parameters())), a.weight is b.weight)
want = (1, True)
