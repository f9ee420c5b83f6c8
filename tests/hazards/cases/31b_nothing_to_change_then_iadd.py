# HAZARD 31b nothing_to_change_then_iadd
# The same with +=, which gives the helper's name another value.
# outcome: impossible

import tenure as torch


def shifted(x):
    y = x.to("cpu").contiguous().clamp()
    y += 1.0
    return torch.nn.Identity()(y)


raw = torch.tensor([5.0]).mut()
shifted(raw)
got = raw.item()
want = 5.0
