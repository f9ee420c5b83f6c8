# HAZARD 54b average_written_through_the_weights
# The average is kept as a borrow and written in place: that would be a write of the weights.
# outcome: TN597

import tenure as torch
from tenure import nn

net = nn.Linear(1, 1, bias=False)
nn.init.constant_(net.weight, 1.0)
shadow = {name: p.data for name, p in net.named_parameters()}
with torch.no_grad():
    net.weight.mul_(3.0)
for name, p in net.named_parameters():
    shadow[name].mul_(0.5).add_(0.5 * p.data)  # culprit
got = net.weight.item()
want = 3.0
