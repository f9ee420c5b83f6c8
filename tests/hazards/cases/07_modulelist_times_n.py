# HAZARD 07 modulelist_times_n
# [layer] * n puts the same layer in a ModuleList n times; all depths share one weight.
# outcome: shared name

from tenure import nn

net = nn.ModuleList([nn.Linear(2, 2, bias=False)] * 3)  # culprit
got = sum(p.numel() for p in net.parameters())
want = 12
