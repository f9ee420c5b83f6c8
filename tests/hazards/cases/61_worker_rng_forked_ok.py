# OK 61 worker_rng_forked
# A generator per worker.

import multiprocessing as mp

import tenure as tn


def draw(seed, n, out):
    out.put(tn.rand(n, generator=tn.Generator(seed)).tolist())


out = mp.get_context("fork").SimpleQueue()
workers = [mp.get_context("fork").Process(target=draw, args=(k, 4, out)) for k in range(2)]
for w in workers:
    w.start()
draws = out.get() + out.get()
for w in workers:
    w.join()
got = len(set(draws))
want = 8
