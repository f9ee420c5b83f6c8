# HAZARD 24 broadcast_written
# broadcast_to makes many elements of one cell.
# outcome: TN594

import tenure as tn

b = tn.broadcast_to(tn.zeros(1), (3,))
b[0] = 1.0  # culprit
got = b.tolist()
want = [1.0, 0.0, 0.0]
