# OK t15 data_clip_after_step
# WGAN clipping after backward and step.

import tenure as torch
from tenure import nn

net = nn.Linear(1, 1, bias=False)
nn.init.constant_(net.weight, 2.0)
opt = torch.optim.SGD(net.parameters(), lr=0.0)
net(torch.ones(1, 1)).sum().backward()
opt.step()
for p in net.parameters():
    p.data.clamp_(-1.0, 1.0)
got = (net.weight.item(), net.weight.grad.item())
want = (1.0, 1.0)
