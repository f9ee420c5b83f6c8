# OK 65 out_of_bounds
# Within.

import tenure as tn

x = tn.arange(5.0)
i = 4
got = x[i].item()
want = 4.0
