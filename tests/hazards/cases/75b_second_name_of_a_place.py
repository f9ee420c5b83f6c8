# HAZARD 75b second_name_of_a_place
# With a place both names are of it.
# outcome: shared name

import tenure as tn

a = tn.tensor([1.0, 2.0]).mut()
b = a
b *= 2.0  # culprit
got = a.tolist()
want = [1.0, 2.0]
