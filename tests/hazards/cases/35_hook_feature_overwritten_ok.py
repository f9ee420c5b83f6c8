# OK 35 hook_feature_overwritten
# The hook clones.

import tenure as torch
from tenure import nn

net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(inplace=True))
nn.init.constant_(net[0].weight, -1.0)
feats = []
net[0].register_forward_hook(lambda mod, inp, out: feats.append(out.detach().clone()))
net(torch.ones(1, 1))
got = feats[0].item()
want = -1.0
