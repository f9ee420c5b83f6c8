# OK 17 row_swap_through_views
# One gather.

import tenure as tn

a = tn.tensor([[1.0, 1.0], [2.0, 2.0]]).mut()
a[:] = a[[1, 0]]
got = a.tolist()
want = [[2.0, 2.0], [1.0, 1.0]]
