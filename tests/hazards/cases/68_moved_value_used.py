# HAZARD 68 moved_value_used
# A buffer is given away and used once more.
# outcome: TN382

import tenure as tn

x = tn.ones(3)
y = tn.move(x)
z = x + y  # culprit
got = z.sum().item()
want = 6.0
