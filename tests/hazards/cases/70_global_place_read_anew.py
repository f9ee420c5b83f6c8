# HAZARD 70 global_place_read_anew
# The same with a place: each call reads what it holds then.
# outcome: impossible

import tenure as tn

rate = tn.tensor(1.0).mut()


def scale(x):
    return x * rate


for _ in range(3):
    scale(tn.ones(())).item()
rate.fill_(5.0)
got = scale(tn.ones(())).item()
want = 5.0
