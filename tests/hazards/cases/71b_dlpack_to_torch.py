# HAZARD 71b dlpack_to_torch
# PyTorch, which does not honour that, gets a copy.
# outcome: impossible

import torch

import tenure as tn

a = tn.arange(3.0)
t = torch.from_dlpack(a)
t[0] = 99.0
got = a[0].item()
want = 0.0
