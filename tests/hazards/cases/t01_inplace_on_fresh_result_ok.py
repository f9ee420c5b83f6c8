# OK t01 inplace_on_fresh_result
# In place on a place this function just made.

import tenure as torch

x = torch.ones(2)
y = (x * 2.0).mut()
y += 1.0
y.clamp_(max=2.5)
got = (x.tolist(), y.tolist())
want = ([1.0, 1.0], [2.5, 2.5])
