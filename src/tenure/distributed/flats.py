"""Arrays of a model side by side in flat buffers, which are added and sent as a whole.

    weight (3, 4)   bias (4,)   running_mean (4,)      one buffer: 12 · · · ·  4 · · ·  4 · · ·

Each begins at a cache line. A buffer holds one dtype, half precision as float32, and ends when it is as large as a
bucket. Arrays without a gradient are there as their bytes, a number each: one shard has them, the others zeros, and the
sum is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def __init__(self, avals: Sequence[Aval], limit: int, coded: Any) -> None:
        """``coded``: the dtype of bytes."""
        self.avals = tuple(avals)
        self.items: list[Item] = []
        self.sizes: list[int] = []
        self.dtypes: list[Any] = []
        current: dict[Any, int] = {}
        for aval in avals:
            size, dtype = aval.size, np.dtype(coded)
            if aval.dtype.has_gradient:
                dtype = wide(np.empty(0, aval.dtype.numpy), aval.dtype).dtype
            else:
                size = aval.nbytes
            b = current.get(dtype, -1)
            if b < 0 or (self.sizes[b] and (self.sizes[b] + size) * dtype.itemsize > limit):
                b = current[dtype] = len(self.sizes)
                self.sizes.append(0)
                self.dtypes.append(dtype)
            start, line = self.sizes[b], LINE // dtype.itemsize
            self.items.append(Item(b, start, start + size))
            self.sizes[b] = -(-(start + size) // line) * line

        self.members: list[list[int]] = [[] for _ in self.sizes]
        """The arrays in each buffer."""
        for k, item in enumerate(self.items):
            self.members[item.bucket].append(k)

    def packed(self, bucket: int, arrays: Mapping[int, Array | None], scales: Sequence[float | None]) -> Array:
        """A new buffer with copies of its arrays; zeros for those that are None."""
        into, end = empty(self.sizes[bucket], self.dtypes[bucket]), 0
        for k in self.members[bucket]:
            item, array, scale = self.items[k], arrays[k], scales[k]
            into[end : item.start] = 0
            end = item.stop
            if array is None:
                into[item.start : item.stop] = 0
            elif not self.avals[k].dtype.has_gradient:
                into[item.start : item.stop] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            elif scale is None:
                into[item.start : item.stop] = wide(array.reshape(-1), self.avals[k].dtype)
            else:
                np.multiply(wide(array.reshape(-1), self.avals[k].dtype), scale, out=into[item.start : item.stop])
        into[end:] = 0
        return into

    def decoded(self, buffers: Sequence[Array], k: int, count: int) -> Tensor:
        """One array without a gradient, from means over so many shards."""
        item, aval = self.items[k], self.avals[k]
        octets = np.rint(buffers[item.bucket][item.start : item.stop] * count).astype(np.uint8)
        return shaped(octets.view(aval.dtype.numpy), aval)

    def tensor(self, buffers: Sequence[Array], k: int) -> Tensor:
        """One array, as a value that takes over its part of the buffers."""
        item, aval = self.items[k], self.avals[k]
        return shaped(narrow(buffers[item.bucket][item.start : item.stop], aval.dtype), aval)
