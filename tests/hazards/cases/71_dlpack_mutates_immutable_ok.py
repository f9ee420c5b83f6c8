# OK 71 dlpack_mutates_immutable
# A copy is asked for.

import numpy as np

import tenure as tn

a = tn.arange(3.0)
t = np.from_dlpack(a, copy=True)
t[0] = 99.0
got = (a[0].item(), float(t[0]))
want = (0.0, 99.0)
