# HAZARD 72 dlpack_import_follows_its_exporter
# An array imported by DLPack is written by its owner.
# outcome: impossible

import numpy as np

import tenure as tn

a = np.zeros(2, dtype=np.float32)
x = tn.from_dlpack(a)
a[:] = 9.0
got = x.tolist()
want = [0.0, 0.0]
