# OK 06b dict_fromkeys_of_a_place
# A place for each.

import tenure as tn

sums = {k: tn.zeros(1).mut() for k in ("a", "b")}
sums["a"].add_(1.0)
got = sums["b"].item()
want = 0.0
