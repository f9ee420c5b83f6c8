# HAZARD 54 moving_average_of_weights
# shadow[name] = p.data keeps an alias of the weights; the average follows them exactly.
# outcome: impossible

import tenure as torch
from tenure import nn

net = nn.Linear(1, 1, bias=False)
nn.init.constant_(net.weight, 1.0)
shadow = {name: p.data for name, p in net.named_parameters()}
with torch.no_grad():
    net.weight.mul_(3.0)
for name, p in net.named_parameters():
    shadow[name] = 0.5 * shadow[name] + 0.5 * p.data
got = shadow["weight"].item()
want = 2.0
