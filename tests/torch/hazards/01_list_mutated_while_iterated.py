# HAZARD 01 list_mutated_while_iterated (torch)
# A list is edited while the for-loop borrows it; the element after every deletion is skipped.
# lines: culprit 10; alias 8; consequence 11

import torch

layers = [torch.full((2,), float(v)) for v in (0, 0, 3, 0, 0)]
for i, layer in enumerate(layers):  # alias
    if layer.abs().sum() == 0:
        del layers[i]  # culprit
got = len(layers)  # consequence
want = 1
