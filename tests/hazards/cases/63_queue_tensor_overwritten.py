# HAZARD 63 queue_tensor_overwritten
# A value put on a queue is what it was, whenever it is sent and read.
# outcome: impossible

import multiprocessing as mp

import tenure as torch


def consumer(q, go, out):
    go.wait()
    out.put(float(q.get().sum().item()))


fork = mp.get_context("fork")
q, out, go = fork.Queue(), fork.Queue(), fork.Event()
p = fork.Process(target=consumer, args=(q, go, out))
p.start()
buf = torch.ones(3).mut()
q.put(buf.value)
buf.zero_()
go.set()
got = out.get()
want = 3.0
p.join()
