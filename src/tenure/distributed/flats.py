"""Arrays of a model side by side in flat buffers, which are added and sent as a whole.

    weight (3, 4)   bias (4,)   running_mean (4,)      one buffer: 12 · · · ·  4 · · ·  4 · · ·

Each begins at a cache line. A buffer holds one dtype, half precision as float32, and ends when it is as large as a
bucket.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tenure.distributed.collectives import narrow, shaped, wide
from tenure.distributed.tree import Array
from tenure.ir.aval import Aval
from tenure.runtime.buffers import empty
from tenure.values.tensor.tensor import Tensor

LINE = 64
"""Bytes at whose multiples arrays begin."""


class Item(NamedTuple):
    """Position of an array: its buffer, and its elements there."""

    bucket: int
    start: int
    stop: int


class Flats:
    """The layout of some arrays in buffers of ``limit`` bytes."""

    def __init__(self, avals: Sequence[Aval], limit: int) -> None:
        self.avals = tuple(avals)
        self.items: list[Item] = []
        self.sizes: list[int] = []
        self.dtypes: list[Any] = []
        current: dict[Any, int] = {}
        for aval in avals:
            dtype = wide(np.empty(0, aval.dtype.numpy), aval.dtype).dtype
            b = current.get(dtype, -1)
            if b < 0 or (self.sizes[b] and (self.sizes[b] + aval.size) * dtype.itemsize > limit):
                b = current[dtype] = len(self.sizes)
                self.sizes.append(0)
                self.dtypes.append(dtype)
            start, line = self.sizes[b], LINE // dtype.itemsize
            self.items.append(Item(b, start, start + aval.size))
            self.sizes[b] = -(-(start + aval.size) // line) * line

    def packed(self, arrays: Sequence[Array | None], scales: Sequence[float | None]) -> list[Array]:
        """New buffers with copies of the arrays; zeros for those that are None."""
        found = [empty(size, dtype) for size, dtype in zip(self.sizes, self.dtypes, strict=True)]
        ends = [0] * len(found)
        for item, aval, array, scale in zip(self.items, self.avals, arrays, scales, strict=True):
            into = found[item.bucket]
            into[ends[item.bucket] : item.start] = 0
            ends[item.bucket] = item.stop
            if array is None:
                into[item.start : item.stop] = 0
            elif scale is None:
                into[item.start : item.stop] = wide(array.reshape(-1), aval.dtype)
            else:
                np.multiply(wide(array.reshape(-1), aval.dtype), scale, out=into[item.start : item.stop])
        for into, end in zip(found, ends, strict=True):
            into[end:] = 0
        return found

    def tensor(self, buffers: Sequence[Array], k: int) -> Tensor:
        """One array, as a value that takes over its part of the buffers."""
        item, aval = self.items[k], self.avals[k]
        return shaped(narrow(buffers[item.bucket][item.start : item.stop], aval.dtype), aval)
