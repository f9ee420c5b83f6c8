# OK 07 modulelist_times_n
# A comprehension makes n layers.

from tenure import nn

net = nn.ModuleList([nn.Linear(2, 2, bias=False) for _ in range(3)])
got = sum(p.numel() for p in net.parameters())
want = 12
