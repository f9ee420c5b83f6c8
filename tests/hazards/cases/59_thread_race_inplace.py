# HAZARD 59 thread_race_inplace
# Four threads add_ into one tensor; additions are lost where kernels run without a lock.
# outcome: impossible

import threading

import tenure as torch

x = torch.zeros(2000).mut()


def work():
    for _ in range(100):
        x.add_(1.0)


ts = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in ts]
[t.join() for t in ts]
got = x.min().item()
want = 400.0
