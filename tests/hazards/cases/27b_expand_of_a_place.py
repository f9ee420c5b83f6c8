# HAZARD 27b expand_of_a_place
# As a place, what was expanded has four elements.
# outcome: impossible

import tenure as torch

x = torch.zeros(1)
y = x.expand(4).mut()
y[0] = 1.0
got = y.tolist()
want = [1.0, 0.0, 0.0, 0.0]
