# HAZARD 55 copy_copy_model
# copy.copy(model) would share all parameters; the frozen target network moves with the online one.
# outcome: impossible

import copy

import tenure as torch
from tenure import nn

online = nn.Linear(1, 1, bias=False)
nn.init.constant_(online.weight, 1.0)
target = copy.copy(online)
with torch.no_grad():
    online.weight.add_(1.0)
got = target.weight.item()
want = 1.0
