# HAZARD 75 second_name_inplace
# b = a; b *= 2 gives b another value.
# outcome: impossible

import tenure as tn

a = tn.tensor([1.0, 2.0])
b = a
b *= 2.0
got = a.tolist()
want = [1.0, 2.0]
