# OK 74 two_threads_one_element
# An addition in place is one step.

import threading

import tenure as tn

v = tn.zeros(1).mut()
ts = [threading.Thread(target=lambda: [v.add_(1.0) for _ in range(20)]) for _ in range(2)]
[t.start() for t in ts]
[t.join() for t in ts]
got = v[0].item()
want = 40.0
