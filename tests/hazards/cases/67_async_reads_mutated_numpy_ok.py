# OK 67 async_reads_mutated_numpy
# The result is read before the array is written.

import numpy as np

import tenure as tn

bad = 0
for _ in range(8):
    a = np.ones(100_000, dtype=np.float32)
    y = tn.sin(tn.from_numpy(a))
    y.numpy()
    a[:] = 0.0
    bad += float(y.min()) == 0.0
got = bad
want = 0
