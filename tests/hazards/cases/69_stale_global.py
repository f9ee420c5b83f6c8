# HAZARD 69 stale_global
# A compiled function that has read a global once: programs are keyed by what they read.
# outcome: impossible

import tenure as tn

cfg = {"lr": 1.0}


def scale(x):
    return x * cfg["lr"]


for _ in range(3):
    scale(tn.ones(())).item()
cfg["lr"] = 5.0
got = scale(tn.ones(())).item()
want = 5.0
