# HAZARD 34 storage_resized
# Resizing the storage of one tensor changes what others that share it read.
# outcome: AttributeError

import tenure as torch

x = torch.zeros(4).mut()
head = x[:2]
x.resize_(8)  # culprit
got = head.tolist()
want = [0.0, 0.0]
