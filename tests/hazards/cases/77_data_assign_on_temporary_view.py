# HAZARD 77 data_assign_on_temporary_view
# a[0] is a value: a callee that assigns its .data is told so.
# outcome: TN594

import tenure as torch


def bump(val):
    val.data = val.data + 10.0  # culprit


a = torch.tensor([1.0, 2.0]).mut()
bump(a[0])
got = a[0].item()
want = 11.0
