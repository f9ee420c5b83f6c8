# HAZARD 57b moments_swapped_between_optimizers
# The state of one optimizer is handed to another through the dict itself, parameter by parameter.
# outcome: impossible

import copy

import tenure as torch
from tenure import nn

p = nn.Parameter(torch.ones(1))
a = torch.optim.SGD([p], lr=0.1, momentum=0.5)
p.grad = torch.ones(1)
a.step()
b = copy.copy(a)
p.grad = torch.full((1,), 100.0)
b.step()
got = a.state[p]["momentum_buffer"].item()
want = 1.0
