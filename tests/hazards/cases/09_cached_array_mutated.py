# HAZARD 09 cached_array_mutated
# lru_cache hands every caller the same tensor; one caller scales it.
# outcome: impossible

import functools

import tenure as tn


@functools.lru_cache(maxsize=None)
def window(n):
    return tn.linspace(0.0, 1.0, n) * 0.75


w = window(4)
w *= 2.0
got = window(4).max().item()
want = 0.75
