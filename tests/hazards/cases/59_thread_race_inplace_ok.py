# OK 59 thread_race_inplace
# One tensor per thread, summed after join.

import threading

import tenure as torch

parts = [torch.zeros(2000).mut() for _ in range(4)]


def work(part):
    for _ in range(100):
        part.add_(1.0)


ts = [threading.Thread(target=work, args=(part,)) for part in parts]
[t.start() for t in ts]
[t.join() for t in ts]
got = torch.stack(parts).sum(0).min().item()
want = 400.0
