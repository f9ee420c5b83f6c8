# OK 04 closures_of_a_loop_variable
# A default binds it.

import tenure as tn

scales = [lambda t, k=k: t * k for k in (1.0, 2.0)]
got = [f(tn.ones(1)).item() for f in scales]
want = [1.0, 2.0]
