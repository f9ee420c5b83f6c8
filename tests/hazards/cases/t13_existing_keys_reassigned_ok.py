# OK t13 existing_keys_reassigned
# Keys that exist are assigned while iterating.

import tenure as torch

sd = {"w": torch.ones(1), "b": torch.ones(1)}
for k in sd:
    sd[k] = sd[k] * 2.0
got = [v.item() for v in sd.values()]
want = [2.0, 2.0]
