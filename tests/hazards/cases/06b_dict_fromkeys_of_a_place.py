# HAZARD 06b dict_fromkeys_of_a_place
# dict.fromkeys gives every key the same place.
# outcome: shared name

import tenure as tn

sums = dict.fromkeys(["a", "b"], tn.zeros(1).mut())
sums["a"].add_(1.0)  # culprit
got = sums["b"].item()
want = 0.0
