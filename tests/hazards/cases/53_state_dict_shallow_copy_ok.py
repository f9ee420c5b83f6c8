# OK 53 state_dict_shallow_copy
# Every tensor is cloned.

import tenure as torch
from tenure import nn

net = nn.Linear(1, 1, bias=False)
nn.init.constant_(net.weight, 1.0)
best = {k: v.clone() for k, v in net.state_dict().items()}
with torch.no_grad():
    net.weight.mul_(3.0)
got = best["weight"].item()
want = 1.0
