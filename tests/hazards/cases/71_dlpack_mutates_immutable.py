# HAZARD 71 dlpack_mutates_immutable
# An array imported by DLPack is read-only memory.
# outcome: ValueError

import numpy as np

import tenure as tn

a = tn.arange(3.0)
t = np.from_dlpack(a)
t[0] = 99.0  # culprit
got = a[0].item()
want = 0.0
