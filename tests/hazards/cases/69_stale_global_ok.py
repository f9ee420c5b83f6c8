# OK 69 stale_global
# It is an argument.

import tenure as tn

cfg = {"lr": 1.0}


def scale(x, lr):
    return x * lr


scale(tn.ones(()), cfg["lr"]).item()
cfg["lr"] = 5.0
got = scale(tn.ones(()), cfg["lr"]).item()
want = 5.0
