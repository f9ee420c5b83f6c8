# OK 73 lazy_snapshot
# The snapshot is computed first.

import tenure as tn

w = tn.tensor([1.0, 2.0]).mut()
prev = w.clone()
prev.tolist()
w.copy_(tn.tensor([9.0, 9.0]))
got = prev.tolist()
want = [1.0, 2.0]
