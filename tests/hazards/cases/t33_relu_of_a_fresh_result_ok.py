# OK t33 relu_of_a_fresh_result
# relu_ on a place that holds the result of an addition.

import tenure as torch

x = torch.tensor([-1.0, 2.0], requires_grad=True)
h = (x + x).mut().relu_()
h.sum().backward()
got = x.grad.tolist()
want = [0.0, 2.0]
