# HAZARD 19 reshape_view_or_copy
# reshape(-1) is a view or a copy by memory layout; here it is a value.
# outcome: TN594

import tenure as tn


def clear(m):
    flat = m.reshape(-1)
    flat[:] = 0.0  # culprit


a = tn.ones(2, 3).mut()
clear(a.T)
got = a.sum().item()
want = 0.0
