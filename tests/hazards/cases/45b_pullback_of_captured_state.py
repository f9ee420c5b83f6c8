# HAZARD 45b pullback_of_captured_state
# A pullback computes later; a captured tensor changed in between.
# outcome: impossible

import tenure as torch

scale = torch.tensor([2.0]).mut()
x = torch.ones(1)
y, pull = torch.vjp(lambda t: (t * scale) ** 2, x)
scale *= 5.0
got = pull(torch.ones(1))[0].item()
want = 8.0
