# HAZARD 40 preallocated_cache_read_back
# A cache of fixed size is filled step by step; what attention read of it in an earlier step stays what it was.
# outcome: impossible

import tenure as tn

cache = tn.zeros(3).mut()
seen = []
for k in range(3):
    cache[k] = k + 1.0
    seen.append(cache[: k + 1])
got = [s.tolist() for s in seen]
want = [[1.0], [1.0, 2.0], [1.0, 2.0, 3.0]]
