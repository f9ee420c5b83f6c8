# HAZARD 76b statistics_kept_for_a_log
# What was read of them stays what it was.
# outcome: impossible

import tenure as tn
from tenure import nn

norm = nn.BatchNorm1d(1)
log = []
for k in range(3):
    norm(tn.tensor([[float(k)], [float(k)]]))
    log.append(norm.running_mean.numpy())
got = [round(float(x[0]), 3) for x in log]
want = [0.0, 0.1, 0.29]
