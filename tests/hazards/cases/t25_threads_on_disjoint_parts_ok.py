# OK t25 threads_on_disjoint_parts
# Each thread writes its own part of one place.

import threading

import tenure as torch

x = torch.zeros(4, 1000).mut()


def work(row):
    for _ in range(50):
        row.add_(1.0)


ts = [threading.Thread(target=work, args=(row,)) for row in x.chunks_mut(1)]
[t.start() for t in ts]
[t.join() for t in ts]
got = (x.min().item(), x.max().item())
want = (50.0, 50.0)
