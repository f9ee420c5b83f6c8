# HAZARD 74 two_threads_one_element
# v[i] += 1 is a read and a write: another thread may write between them.
# outcome: shared name

import threading

import tenure as tn

v = tn.zeros(1).mut()
read, written = threading.Event(), threading.Event()


def slow():
    x = v[0]
    read.set()
    written.wait()
    v[0] = x + 1.0  # culprit


t = threading.Thread(target=slow)
t.start()
read.wait()
v[0] += 1.0
written.set()
t.join()
got = v[0].item()
want = 2.0
