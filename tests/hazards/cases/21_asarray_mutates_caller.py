# HAZARD 21 asarray_mutates_caller
# asarray copies only if it must; the helper's -= would change the caller's data.
# outcome: impossible

import numpy as np

import tenure as tn


def standardize(x):
    x = tn.asarray(x, dtype=tn.float64)
    x -= x.mean()
    return x


raw, place = np.array([1.0, 3.0]), tn.tensor([1.0, 3.0], dtype=tn.float64).mut()
standardize(raw)
standardize(place)
got = raw.tolist() + place.tolist()
want = [1.0, 3.0, 1.0, 3.0]
