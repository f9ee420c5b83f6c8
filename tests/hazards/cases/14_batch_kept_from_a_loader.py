# HAZARD 14 batch_kept_from_a_loader
# A loader that fills one buffer hands out the same memory again; batches are values.
# outcome: impossible

import tenure as tn

buffer = tn.zeros(2).mut()


def batches():
    for k in range(3):
        buffer.fill_(float(k))
        yield buffer.value


got = [b.tolist() for b in list(batches())]
want = [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]
