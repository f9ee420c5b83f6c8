# OK t09 view_dead_before_write
# A part is read for the last time before the whole is written.

import tenure as torch

x = torch.ones(4).mut()
head = x[:2]
s = head.sum().item()
x.mul_(10.0)
got = (s, x.sum().item())
want = (2.0, 40.0)
