# HAZARD 04 closures_of_a_loop_variable
# Functions made in a loop all see the last value of its variable.
# outcome: shared name

import tenure as tn

scales = []
for k in (1.0, 2.0):
    scales.append(lambda t: t * k)  # culprit
got = [f(tn.ones(1)).item() for f in scales]
want = [1.0, 2.0]
