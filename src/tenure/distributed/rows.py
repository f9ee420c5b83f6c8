"""Sparse gradients of shards: their rows, joined in the order of the shards, whoever has computed which."""

from __future__ import annotations

from typing import Any

import numpy as np

from tenure.distributed import algorithms
from tenure.distributed.waiting import Wait
from tenure.distributed.world import RankGroup
from tenure.ir.aval import Aval
from tenure.values.grad.sparse_rows import Entries, SparseRows
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.tensor.tensor import Tensor


class Rows:
    """Rows by parameter and shard."""

    def __init__(self) -> None:
        self.held: dict[int, dict[int, list[Entries]]] = {}

    def add(self, k: int, number: int, gradient: SparseRows, scale: float | None) -> None:
        """Take the gradient of parameter k of a shard, times a factor."""
        entries = gradient._packed()
        entries = entries if scale is None else entries.mapped(lambda r: r * scale)
        self.held.setdefault(k, {}).setdefault(number, []).append(entries)

    def clear(self) -> None:
        """Drop all."""
        self.held.clear()

    def __bool__(self) -> bool:
        return bool(self.held)

    def mean(self, k: int, p: Any, group: RankGroup, count: int, wait: Wait) -> SparseRows:
        """The mean over all shards, on all ranks, for parameter k."""
        held = self.held.get(k, {})
        own = [(array_of(e.index), array_of(e.rows)) for number in sorted(held) for e in held[number]]
        every = [pair for part in algorithms.objects(group, own, wait) for pair in part]
        index, rows = (np.concatenate([pair[j] for pair in every]) for j in (0, 1))
        aval = p._read()._aval if isinstance(p, Tensor) else p._aval
        values = wrap(np.divide(rows, count), Aval(rows.shape, aval.dtype))
        return SparseRows.of(aval, Entries(wrap(index), values))
