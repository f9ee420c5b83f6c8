# OK 39 cache_mutated_by_callee
# Each call gets its own copy.

import copy

import tenure as torch


class Cache:
    def __init__(self):
        self.k = torch.tensor([1.0, 2.0])


def generate(token, cache):
    cache.k = torch.cat([cache.k, torch.tensor([token])])
    return cache.k.sum().item()


prefix = Cache()
first = generate(10.0, copy.deepcopy(prefix))
got = generate(10.0, copy.deepcopy(prefix))
want = first
