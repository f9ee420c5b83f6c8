# HAZARD 39 cache_mutated_by_callee
# A prefix cache is passed to two generate calls; each call appends to it.
# outcome: shared name

import tenure as torch


class Cache:
    def __init__(self):
        self.k = torch.tensor([1.0, 2.0])


def generate(token, cache):
    cache.k = torch.cat([cache.k, torch.tensor([token])])  # culprit
    return cache.k.sum().item()


prefix = Cache()
first = generate(10.0, prefix)
got = generate(10.0, prefix)
want = first
