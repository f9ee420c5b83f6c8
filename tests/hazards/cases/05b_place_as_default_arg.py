# HAZARD 05b place_as_default_arg
# The same with a place as the default.
# outcome: shared name

import tenure as torch


def accumulate(x, state=torch.zeros(2).mut()):
    state += x  # culprit
    return state.value


accumulate(torch.ones(2))
second = accumulate(torch.ones(2))
got = second.tolist()
want = [1.0, 1.0]
