# HAZARD 56b target_takes_parameters
# Assigning parameters one by one ties the weights.
# outcome: shared name

import tenure as torch
from tenure import nn

online, target = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
nn.init.constant_(online.weight, 1.0)
target.weight = online.weight
with torch.no_grad():
    online.weight.add_(1.0)  # culprit
got = target.weight.item()
want = 1.0
