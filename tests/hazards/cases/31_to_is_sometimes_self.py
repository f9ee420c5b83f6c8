# HAZARD 31 to_is_sometimes_self
# x.to(dtype) (also .float(), .cpu(), .contiguous()) is x itself when nothing must change; the clamp_ would hit the caller.
# outcome: TN594

import tenure as torch


def clipped(x):
    y = x.to(torch.float32)
    y.clamp_(max=1.0)  # culprit
    return y


raw = torch.tensor([5.0]).mut()
clipped(raw)
got = raw.item()
want = 5.0
