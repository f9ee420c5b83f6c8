# OK t07 output_is_an_input
# The result goes to where an operand lies.

import tenure as torch

t = torch.tensor([1.0, 2.0]).mut()
t.add_(t)
t[:] = t + t
got = t.tolist()
want = [4.0, 8.0]
