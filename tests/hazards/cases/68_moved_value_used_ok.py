# OK 68 moved_value_used
# The new name is used.

import tenure as tn

x = tn.ones(3)
y = tn.move(x)
z = y + y
got = z.sum().item()
want = 6.0
