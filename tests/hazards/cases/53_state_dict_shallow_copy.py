# HAZARD 53 state_dict_shallow_copy
# state_dict().copy() copies the dict, and the tensors in it are values.
# outcome: impossible

import tenure as torch
from tenure import nn

net = nn.Linear(1, 1, bias=False)
nn.init.constant_(net.weight, 1.0)
best = net.state_dict().copy()
with torch.no_grad():
    net.weight.mul_(3.0)
got = best["weight"].item()
want = 1.0
