# OK t23 rebinding_is_not_mutation
# b = b + 1 makes a new tensor.

import tenure as torch


def shift(v):
    v = v + 1.0
    v = v.mul(2.0)
    return v


a = torch.ones(1)
b = a
b = b + 1.0
shift(a)
got = (a.item(), b.item())
want = (1.0, 2.0)
