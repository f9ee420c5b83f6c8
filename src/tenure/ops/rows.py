"""Rows of a table, by an index that may name one more than once.

    index = [5, 2, 5]      rows = [a, b, c]      united:  at = [2, 5, 5]   sums = [b, a + c, 0]   first = [T, T, F]

The index has as many entries as before, so that no shape depends on how many are equal.
"""

from __future__ import annotations

from typing import NamedTuple

from tenure import dtypes
from tenure.ir.program import Value
from tenure.ops import move, pointwise
from tenure.ops.advanced import add_rows, take_rows
from tenure.ops.index import take_along
from tenure.ops.ordering import order
from tenure.ops.scan import cummax


class United(NamedTuple):
    """Rows at an index that rises: each has its sum where its index is met ``first``, and zeros behind that."""

    at: Value
    sums: Value
    first: Value


def united(index: Value, rows: Value) -> United:
    """The rows in the order of their indices, those of one index summed in the order in which they came."""
    b, n = index.builder, index.shape[0]
    found = order(index, b.constant(0, dtypes.int64), length=n)
    at, count = take_along(index, found), b.emit(move.iota, (), {"length": n, "dtype": dtypes.int64})
    before = take_rows(at, pointwise.maximum(count - 1, count.coerce(0)))
    first = pointwise.logical_or(pointwise.equal(count, count.coerce(0)), pointwise.not_equal(at, before))
    start = cummax(pointwise.where(first, count, count.coerce(0)), axis=0, reverse=False)
    zeros = move.broadcast_to(rows.coerce(0), shape=rows.shape)
    return United(at, add_rows(zeros, take_rows(rows, found), start), first)


def along(mask: Value, rows: Value) -> Value:
    """A mask of rows in their shape."""
    shape = (*mask.shape, *[1] * (rows.ndim - 1))
    return move.broadcast_to(move.reshape(mask, shape=shape), shape=rows.shape)
