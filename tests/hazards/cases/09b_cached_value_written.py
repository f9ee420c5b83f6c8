# HAZARD 09b cached_value_written
# The same with a method that writes.
# outcome: TN594

import functools

import tenure as tn


@functools.lru_cache(maxsize=None)
def window(n):
    return tn.linspace(0.0, 1.0, n) * 0.75


w = window(4)
w.mul_(2.0)  # culprit
got = window(4).max().item()
want = 0.75
