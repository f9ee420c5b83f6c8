# HAZARD 18 reversed_onto_itself
# a[:] = a[::-1] reads what it has just written, where a[::-1] is a view.
# outcome: impossible

import tenure as tn

a = tn.arange(5.0).mut()
a[:] = a[::-1]
got = a.tolist()
want = [4.0, 3.0, 2.0, 1.0, 0.0]
