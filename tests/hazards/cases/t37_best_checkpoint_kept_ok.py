# OK t37 best_checkpoint_kept
# The best state kept in memory is loaded back after more training.

import tenure as torch
from tenure import nn

net = nn.Linear(1, 1, bias=False)
nn.init.constant_(net.weight, 1.0)
opt = torch.optim.Adam(net.parameters(), lr=0.5)
best, state = net.state_dict(), opt.state_dict()
for _ in range(3):
    opt.zero_grad()
    net(torch.ones(1, 1)).sum().backward()
    opt.step()
net.load_state_dict(best)
opt.load_state_dict(state)
got = (net.weight.item(), len(opt.state))
want = (1.0, 0)
