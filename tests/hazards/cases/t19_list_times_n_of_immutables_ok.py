# OK t19 list_times_n_of_immutables
# [0.0] * n, [None] * n, and [t] * n when every slot is later rebound or only read.

import tenure as torch

totals = [0.0] * 3
totals[0] += 1.0
slots = [None] * 2
slots[0] = torch.ones(1)
z = torch.zeros(2)
batch = torch.stack([z] * 3)
got = (totals, slots[1], batch.shape[0])
want = ([1.0, 0.0, 0.0], None, 3)
