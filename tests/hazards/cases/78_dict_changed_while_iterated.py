# HAZARD 78 dict_changed_while_iterated
# Python says so itself.
# outcome: RuntimeError

import tenure as tn

grads = {"a": tn.ones(1), "b": tn.zeros(1)}
for name in grads:  # culprit
    if grads[name].sum() == 0:
        del grads[name]
    else:
        grads[name + "2"] = grads[name]
got = sorted(grads)
want = ["a", "a2"]
