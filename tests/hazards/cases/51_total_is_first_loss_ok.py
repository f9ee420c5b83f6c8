# OK 51 total_is_first_loss
# A new tensor for the sum.

import tenure as torch

mse, aux = torch.tensor(1.0), torch.tensor(0.5)
total = mse + aux
got = {"mse": mse.item(), "aux": aux.item()}
want = {"mse": 1.0, "aux": 0.5}
