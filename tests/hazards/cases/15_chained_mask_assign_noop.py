# HAZARD 15 chained_mask_assign_noop
# a[mask][0] = v would write into the temporary that a[mask] is.
# outcome: TN594

import tenure as tn

a = tn.tensor([-1.0, 2.0, 3.0]).mut()
a[a > 0][0] = 99.0  # culprit
got = a.tolist()
want = [-1.0, 99.0, 3.0]
