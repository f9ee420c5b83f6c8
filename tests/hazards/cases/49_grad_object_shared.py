# HAZARD 49 grad_object_shared
# shared.grad = local.grad (A3C style) makes one gradient tensor with two owners.
# outcome: impossible

import tenure as torch
from tenure import nn

local, shared = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
local(torch.full((1, 1), 4.0)).sum().backward()
shared.weight.grad = local.weight.grad
nn.utils.clip_grad_norm_(shared.parameters(), 1.0)
got = local.weight.grad.item()
want = 4.0
