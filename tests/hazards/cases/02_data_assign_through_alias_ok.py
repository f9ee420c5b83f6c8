# OK 02 data_assign_through_alias
# The callee returns a new tensor.

import tenure as torch


def bump(val):
    return val + 10.0


a = [torch.tensor(1.0), torch.tensor(2.0)]
k = a[0]
a[0] = bump(a[0])
got = k.item()
want = 1.0
