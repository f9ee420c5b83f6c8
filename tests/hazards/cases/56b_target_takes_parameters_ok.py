# OK 56b target_takes_parameters
# Values are loaded.

import tenure as torch
from tenure import nn

online, target = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
nn.init.constant_(online.weight, 1.0)
target.load_state_dict(online.state_dict())
with torch.no_grad():
    online.weight.add_(1.0)
got = target.weight.item()
want = 1.0
