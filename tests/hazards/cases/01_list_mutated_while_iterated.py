# HAZARD 01 list_mutated_while_iterated
# A list is edited while the for-loop reads it; the element after every deletion is skipped.
# outcome: shared name

import tenure as tn

layers = [tn.full((2,), float(v)) for v in (0, 0, 3, 0, 0)]
for i, layer in enumerate(layers):
    if layer.abs().sum() == 0:
        del layers[i]  # culprit
got = len(layers)
want = 1
