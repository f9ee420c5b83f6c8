# HAZARD 71c numpy_to_torch
# PyTorch writes into a read-only array that it was given: into nobody else's numbers.
# outcome: impossible

import numpy as np
import torch

import tenure as tn

a = tn.arange(3.0)
double = a * 2
torch.as_tensor(np.asarray(a)).add_(100)
got = (a[1].item(), double.sum().item(), float(np.asarray(a)[2]))
want = (1.0, 6.0, 2.0)
