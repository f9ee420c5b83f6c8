"""Rows of a table, by an index that may name one more than once.

    index = [5, 2, 5]      rows = [a, b, c]      united:  sums = [a + c, b, 0]   first = [T, T, F]

The index stays as it is, so that no shape depends on how many are equal.
"""

from __future__ import annotations

from typing import NamedTuple

from tenure import dtypes
from tenure.ir.program import Value
from tenure.ops import move, pointwise
from tenure.ops.advanced import add_rows
from tenure.ops.ordering import first_equal


class United(NamedTuple):
    """Rows at an index: each has its sum where its index is met ``first``, and zeros behind that."""

    sums: Value
    first: Value


def united(index: Value, rows: Value) -> United:
    """Rows of one index summed in the order in which they came."""
    found = first_equal(index)
    count = index.builder.emit(move.iota, (), {"length": index.shape[0], "dtype": dtypes.int64})
    zeros = move.broadcast_to(rows.coerce(0), shape=rows.shape)
    return United(add_rows(zeros, rows, found), pointwise.equal(found, count))


def along(mask: Value, rows: Value) -> Value:
    """A mask of rows in their shape."""
    shape = (*mask.shape, *[1] * (rows.ndim - 1))
    return move.broadcast_to(move.reshape(mask, shape=shape), shape=rows.shape)
