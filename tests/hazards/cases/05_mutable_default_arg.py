# HAZARD 05 mutable_default_arg
# A tensor default argument is one object for all calls; += in the body.
# outcome: impossible

import tenure as torch


def accumulate(x, state=torch.zeros(2)):
    state += x
    return state


accumulate(torch.ones(2))
second = accumulate(torch.ones(2))
got = second.tolist()
want = [1.0, 1.0]
