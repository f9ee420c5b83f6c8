# HAZARD 56 target_is_online
# target = online is a second name of the network.
# outcome: shared name

import tenure as torch
from tenure import nn

online = nn.Linear(1, 1, bias=False)
nn.init.constant_(online.weight, 1.0)
target = online
with torch.no_grad():
    online.weight.add_(1.0)  # culprit
got = target.weight.item()
want = 1.0
