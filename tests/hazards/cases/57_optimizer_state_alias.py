# HAZARD 57 optimizer_state_alias
# b.load_state_dict(a.state_dict()) would leave both optimizers on one momentum buffer.
# outcome: impossible

import tenure as torch
from tenure import nn

p, q = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
a = torch.optim.SGD([p], lr=0.1, momentum=0.5)
b = torch.optim.SGD([q], lr=0.1, momentum=0.5)
p.grad, q.grad = torch.ones(1), torch.full((1,), 100.0)
a.step()
b.load_state_dict(a.state_dict())
b.step()
got = a.state[p]["momentum_buffer"].item()
want = 1.0
