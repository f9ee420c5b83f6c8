# OK t27 lambda_used_inside_iteration
# A closure over the loop variable that is called and dropped in the same iteration.

import tenure as torch

sums = []
for k in (1.0, 2.0):
    f = lambda t: t * k  # noqa: E731
    sums.append(f(torch.ones(1)).item())
got = sums
want = [1.0, 2.0]
