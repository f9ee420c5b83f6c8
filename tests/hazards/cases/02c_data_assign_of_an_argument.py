# HAZARD 02c data_assign_of_an_argument
# With the argument lent as shared, the same write is refused where it is made.
# outcome: TN594

import tenure as tn


@tn.checked
def bump(val: tn.Ref[tn.Tensor]):
    val.data = val.data + 10.0  # culprit


a = [tn.tensor(1.0, requires_grad=True), tn.tensor(2.0, requires_grad=True)]
k = a[0]
bump(a[0])
got = k.item()
want = 1.0
