# HAZARD 73 lazy_snapshot
# prev = w.clone() is recorded; w is written before prev is computed.
# outcome: impossible

import tenure as tn

w = tn.tensor([1.0, 2.0]).mut()
prev = w.clone()
w.copy_(tn.tensor([9.0, 9.0]))
got = prev.tolist()
want = [1.0, 2.0]
