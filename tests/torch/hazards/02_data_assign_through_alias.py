# HAZARD 02 data_assign_through_alias (torch)
# A callee rebinds val.data; every other name of the same tensor changes from afar.
# lines: culprit 9; alias 13; consequence 15

import torch


def bump(val):
    val.data = val.data + 10.0  # culprit


a = [torch.tensor(1.0), torch.tensor(2.0)]
k = a[0]  # alias
bump(a[0])
got = k.item()  # consequence
want = 1.0
