"""Steps over tables of a million rows, run as a program: all pages beyond the used rows are unreadable meanwhile."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import numpy as np

import tenure as tn
from tenure import nn, optim
from tenure.runtime import buffers

ROWS, WIDTH, USED, BATCH, PAGE = 10**6, 16, 4000, 512, mmap.PAGESIZE
TABLE = 4 * ROWS * WIDTH


def protect(places: list[Any], how: int) -> None:
    """Protect the rows of places that are not used: an access then ends the process."""
    for p in places:
        array = p.value._data
        first = -(-(array.ctypes.data + 4 * USED * WIDTH) // PAGE) * PAGE
        size = (array.ctypes.data + array.nbytes) // PAGE * PAGE - first
        assert size > 0.9 * TABLE and not ctypes.CDLL(None).mprotect(ctypes.c_void_p(first), ctypes.c_size_t(size), how)


def run(name: str) -> None:
    """Steps of one optimizer, the last two of them under protection."""
    rng = np.random.default_rng(0)
    table = nn.Embedding(ROWS, WIDTH, sparse=True, _weight=tn.zeros(ROWS, WIDTH))
    optimizer = getattr(optim, name)(table.parameters(), lr=0.1)
    for step in range(4):
        index = tn.tensor(rng.integers(0, USED, BATCH))
        places = [table.weight, *[x for x in optimizer.state[table.weight].values() if isinstance(x, tn.Var)]]
        if step > 1:
            protect(places, 0)
            buffers.purge()
        optimizer.zero_grad()
        ((table(index) - 1) ** 2).mean().backward()
        ((table(index[:9]) + 1) ** 2).mean().backward()
        nn.utils.clip_grad_norm_(table.parameters(), 1.0)
        optimizer.step()
        assert all(np.isfinite(p[index[0]].sum().item()) for p in places)
        if step > 1:
            protect(places, 3)
            assert buffers.statistics().kept < TABLE / 16, buffers.statistics()


if __name__ == "__main__":
    for _name in ("SGD", "Adagrad", "SparseAdam"):
        run(_name)
