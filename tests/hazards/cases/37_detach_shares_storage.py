# HAZARD 37 detach_shares_storage
# adv = x.detach() is no copy in PyTorch; the adversarial step rewrites the clean input.
# outcome: TN594

import tenure as torch

x = torch.zeros(2)
adv = x.detach().requires_grad_()  # culprit
adv.sum().backward()
with torch.no_grad():
    adv += 0.5 * adv.grad.sign()
got = x.tolist()
want = [0.0, 0.0]
