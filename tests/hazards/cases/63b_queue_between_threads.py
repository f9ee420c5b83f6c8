# HAZARD 63b queue_between_threads
# A place put on a queue between threads is a second name of it.
# outcome: shared name

import queue

import tenure as tn

q = queue.Queue()
buf = tn.ones(3).mut()
q.put(buf)
buf.zero_()  # culprit
got = q.get().sum().item()
want = 3.0
