# OK 01 list_mutated_while_iterated
# A new list is built.

import tenure as tn

layers = [tn.full((2,), float(v)) for v in (0, 0, 3, 0, 0)]
layers = [layer for layer in layers if layer.abs().sum() != 0]
got = len(layers)
want = 1
