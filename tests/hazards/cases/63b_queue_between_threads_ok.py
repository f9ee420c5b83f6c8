# OK 63b queue_between_threads
# The value is put.

import queue

import tenure as tn

q = queue.Queue()
buf = tn.ones(3).mut()
q.put(buf.value)
buf.zero_()
got = q.get().sum().item()
want = 3.0
