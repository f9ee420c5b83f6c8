# OK 77 data_assign_on_temporary_view
# A borrow of the element is written through.

import tenure as torch


def bump(val):
    val.copy_(val + 10.0)


a = torch.tensor([1.0, 2.0]).mut()
bump(a.data[0])
got = a[0].item()
want = 11.0
