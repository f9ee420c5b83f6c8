# OK 02b data_assign_of_a_shared_place
# What is kept is the value.

import tenure as torch


def bump(val):
    val.data = val.data + 10.0


a = [torch.tensor(1.0, requires_grad=True), torch.tensor(2.0, requires_grad=True)]
k = a[0].value
bump(a[0])
got = k.item()
want = 1.0
