# HAZARD 37b detached_place
# As a place of its own it is one.
# outcome: impossible

import tenure as torch

x = torch.zeros(2).mut()
adv = torch.Var(x.detach(), requires_grad=True)
adv.sum().backward()
with torch.no_grad():
    adv += 0.5 * adv.grad.sign()
got = x.tolist() + adv.tolist()
want = [0.0, 0.0, 0.5, 0.5]
