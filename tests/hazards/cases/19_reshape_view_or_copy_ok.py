# OK 19 reshape_view_or_copy
# The place itself is written.

import tenure as tn


def clear(m):
    m[...] = 0.0


a = tn.ones(2, 3).mut()
clear(a)
got = a.sum().item()
want = 0.0
