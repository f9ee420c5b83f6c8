# HAZARD 76 statistics_written_in_evaluation
# Batch statistics are places of the module: in evaluation nothing writes them.
# outcome: impossible

import tenure as tn
from tenure import nn

norm = nn.BatchNorm1d(2)
norm(tn.tensor([[1.0, 2.0], [3.0, 6.0]]))
norm.eval()
before = norm.running_mean.value
norm(tn.full((4, 2), 100.0))
got = (norm.running_mean - before).abs().max().item()
want = 0.0
