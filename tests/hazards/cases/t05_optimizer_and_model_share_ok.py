# OK t05 optimizer_and_model_share
# Model and optimizer hold the same parameters on purpose.

import tenure as torch
from tenure import nn

net = nn.Linear(1, 1, bias=False)
nn.init.constant_(net.weight, 1.0)
opt = torch.optim.SGD(net.parameters(), lr=1.0)
net(torch.ones(1, 1)).sum().backward()
opt.step()
got = net.weight.item()
want = 0.0
