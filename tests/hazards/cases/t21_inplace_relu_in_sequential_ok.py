# OK t21 inplace_relu_in_sequential
# ReLU(inplace=True) on an output that nothing else names.

import tenure as torch
from tenure import nn

net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(inplace=True), nn.Linear(1, 1, bias=False))
for p in net.parameters():
    nn.init.constant_(p, 2.0)
net(torch.ones(1, 1)).sum().backward()
got = [p.grad.item() for p in net.parameters()]
want = [2.0, 2.0]
