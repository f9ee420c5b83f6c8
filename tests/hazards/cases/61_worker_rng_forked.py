# HAZARD 61 worker_rng_forked
# A generator kept on the dataset is forked into each worker in the same state.
# outcome: impossible

import multiprocessing as mp

import tenure as tn


class Noise:
    def __init__(self):
        self.rng = tn.Generator(0)

    def draw(self, n, out):
        out.put(tn.rand(n, generator=self.rng).tolist())


data, out = Noise(), mp.get_context("fork").SimpleQueue()
workers = [mp.get_context("fork").Process(target=data.draw, args=(4, out)) for _ in range(2)]
for w in workers:
    w.start()
draws = out.get() + out.get()
for w in workers:
    w.join()
got = len(set(draws))
want = 8
