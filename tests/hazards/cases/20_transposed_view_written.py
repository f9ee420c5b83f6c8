# HAZARD 20 transposed_view_written
# t = a.T; t[0] = … writes a in some libraries.
# outcome: TN594

import tenure as tn

a = tn.zeros(2, 2).mut()
t = a.T
t[0, 1] = 1.0  # culprit
got = a.tolist()
want = [[0.0, 0.0], [0.0, 0.0]]
