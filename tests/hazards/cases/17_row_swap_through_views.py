# HAZARD 17 row_swap_through_views
# a[0], a[1] = a[1], a[0] on rows: the right side are values.
# outcome: impossible

import tenure as tn

a = tn.tensor([[1.0, 1.0], [2.0, 2.0]]).mut()
a[0], a[1] = a[1], a[0]
got = a.tolist()
want = [[2.0, 2.0], [1.0, 1.0]]
