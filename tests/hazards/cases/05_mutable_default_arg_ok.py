# OK 05 mutable_default_arg
# A new place for each call.

import tenure as torch


def accumulate(x, state=None):
    state = torch.zeros(2).mut() if state is None else state
    state += x
    return state


accumulate(torch.ones(2))
second = accumulate(torch.ones(2))
got = second.tolist()
want = [1.0, 1.0]
