# OK 31 to_is_sometimes_self
# Out-of-place clamp.

import tenure as torch


def clipped(x):
    y = x.to(torch.float32)
    return y.clamp(max=1.0)


raw = torch.tensor([5.0]).mut()
clipped(raw)
got = raw.item()
want = 5.0
