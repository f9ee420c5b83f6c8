# OK t17 masked_store
# a[mask] = v and a[mask] *= v store.

import tenure as tn

a = tn.tensor([-1.0, 2.0, 3.0]).mut()
a[a > 0] *= 10.0
a[a < 0] = 0.0
got = a.tolist()
want = [0.0, 20.0, 30.0]
