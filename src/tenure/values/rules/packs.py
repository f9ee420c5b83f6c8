"""Packed residuals: small ones of a run lie in one array for each dtype.

A part of a long loop saves dozens of them, and each would else be an array to make, a handle and an input of the
adjoint, which takes more time than computing them. What is packed is named by the tuple of its value numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from tenure import dtypes
from tenure.dtypes import DType
from tenure.ir.aval import Aval
from tenure.ir.program import Builder, Value
from tenure.ops import index, move

Saved = int | tuple[int, ...]
"""Saved residual: a value by its number, or several that are saved as one array."""

SMALL = 1 << 14
"""Size in bytes up to which a residual is packed."""


def grouped(b: Builder, saved: Sequence[int]) -> tuple[Saved, ...]:
    """Groups of values to save: small ones of a dtype together."""
    groups: dict[DType, list[int]] = {}
    for v in saved:
        if b.avals[v].size * b.avals[v].dtype.itemsize <= SMALL and not b.avals[v].weak:
            groups.setdefault(b.avals[v].dtype, []).append(v)
    packs = [tuple(group) for group in groups.values() if len(group) > 1]
    packed = {v for pack in packs for v in pack}
    return (*[v for v in saved if v not in packed], *packs)


def pack(b: Builder, what: Saved) -> int:
    """Number of the (packed) value to save."""
    if isinstance(what, int):
        return what
    parts = [move.reshape(Value(b, v), shape=(b.avals[v].size,)) for v in what]
    return move.concat(*parts, axis=0).id


def unpack(b: Builder, what: tuple[int, ...], avals: Sequence[Aval]) -> tuple[Value, list[Value]]:
    """New input for a pack, and its parts, which have the given avals."""
    whole = b.input(avals[what[0]].with_shape((sum(avals[v].size for v in what),)))
    parts, start = [], 0
    for v in what:
        part = index.getitem(whole, b.full((), start, dtypes.int64), spec=((avals[v].size, 1),))
        parts.append(move.reshape(part, shape=avals[v].shape))
        start += avals[v].size
    return whole, parts
