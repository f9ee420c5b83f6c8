# HAZARD 02 data_assign_through_alias
# A callee assigns val.data of a value that another name has too.
# outcome: TN594

import tenure as torch


def bump(val):
    val.data = val.data + 10.0  # culprit


a = [torch.tensor(1.0), torch.tensor(2.0)]
k = a[0]
bump(a[0])
got = k.item()
want = 1.0
