# HAZARD 26 from_numpy_shares_memory
# from_numpy shares memory with an array that is reused for the next batch.
# outcome: impossible

import numpy as np

import tenure as torch

array = np.ones(2, dtype=np.float32)
kept = []
for k in range(3):
    array[:] = k
    kept.append(torch.from_numpy(array, copy=False))
got = [x[0].item() for x in kept]
want = [0.0, 1.0, 2.0]
