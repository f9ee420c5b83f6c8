# HAZARD 02b data_assign_of_a_shared_place
# The same with places: k and a[0] are two names of one.
# outcome: shared name

import tenure as torch


def bump(val):
    val.data = val.data + 10.0  # culprit


a = [torch.tensor(1.0, requires_grad=True), torch.tensor(2.0, requires_grad=True)]
k = a[0]
bump(a[0])
got = k.item()
want = 1.0
