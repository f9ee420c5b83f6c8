# OK 15 chained_mask_assign_noop
# One index.

import tenure as tn

a = tn.tensor([-1.0, 2.0, 3.0]).mut()
a[(a > 0).int().argmax()] = 99.0
got = a.tolist()
want = [-1.0, 99.0, 3.0]
