# OK 21 asarray_mutates_caller
# Out of place.

import numpy as np

import tenure as tn


def standardize(x):
    x = tn.asarray(x, dtype=tn.float64)
    return x - x.mean()


raw = np.array([1.0, 3.0])
standardize(raw)
got = raw.tolist()
want = [1.0, 3.0]
