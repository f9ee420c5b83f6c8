"""Rows of a table at indices, for embeddings: kept within a norm, with gradients by frequency."""

from __future__ import annotations

import math
from typing import Any

from tenure.dtypes import int64
from tenure.errors import GradientError, OutOfRange, WriteError
from tenure.ir.program import Value
from tenure.ir.traits import FROM_THE_END
from tenure.ops import move, pointwise
from tenure.ops.advanced import take_rows
from tenure.ops.promote import Operation, as_type, stop
from tenure.values.grad.steps import mark_leaf
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations.arithmetic import where
from tenure.values.operations.boundary import array_of
from tenure.values.operations.factories import ones
from tenure.values.operations.norms import vector_norm
from tenure.values.operations.reading import value_of
from tenure.values.operations.scattering import segment_sum
from tenure.values.places.shared import Shared
from tenure.values.places.var import Var
from tenure.values.rules.graph import Leaf, RowLeaf
from tenure.values.rules.modes import current_mode, no_grad
from tenure.values.rules.sites import here, site
from tenure.values.trace.given import flag, number
from tenure.values.trace.record import RECORDER

TINY = 1e-7
"""The number that PyTorch adds to a norm by which it divides."""


def from_the_begin(at: Value) -> Value:
    """An index in int64 in which counting from the end is out of range, too: the check names what was given."""
    at = as_type(at, int64)
    return pointwise.where(pointwise.less(at, at.coerce(0)), at - FROM_THE_END, at)


NO_NEGATIVE = Operation("no_negative", from_the_begin)


def no_negative(index: Any) -> Any:
    """``from_the_begin`` of a tensor."""
    return apply_one(NO_NEGATIVE, index)


def flat_index(at: Value) -> Value:
    """``from_the_begin`` of an index (…) as (n,)."""
    return move.reshape(from_the_begin(at), shape=(math.prod(at.shape),))


FLAT = Operation("flat_index", flat_index)


def _alone(at: Value, table: Value) -> tuple[Value, Value]:
    """A flat index, and the rows there without a graph."""
    flat = flat_index(at)
    return flat, take_rows(stop(table), flat)


ALONE = Operation("rows_alone", _alone)


def table_of(weight: Any) -> Any:
    """The weight as it is asked for its shape: a value, or a Shared, of which no more than rows is read."""
    return weight if isinstance(weight, Shared) else value_of(weight)


def fetched(
    name: str, weight: Any, index: Any, skipped: int | None,
    max_norm: Any, norm_type: Any, by_frequency: Any, sparse: Any,
) -> Any:  # fmt: skip
    """The rows (n, size) at n indices (…); with ``sparse`` no gradient goes to the one ``skipped``."""
    if isinstance(weight, Shared):
        return of_shared(name, weight, apply_one(FLAT, index), skipped, sparse, max_norm is not None or by_frequency)
    if type(norm_type) is not float or max_norm is not None:
        order = float(number(name, "norm_type", norm_type))
        if max_norm is not None:
            within_norm(name, weight, apply_one(FLAT, index), float(number(name, "max_norm", max_norm)), order)
    if by_frequency is not False or sparse is not True:
        by_frequency, sparse = flag(f"{name}: scale_grad_by_freq", by_frequency), flag(f"{name}: sparse", sparse)
    table = value_of(weight)
    if sparse and table._kind.tracked and current_mode().grad:
        if by_frequency:
            raise GradientError(f"{name}: scale_grad_by_freq does not go with sparse=True", at=site(here()))
        if isinstance(weight, Var) and weight._leaf is not None and RECORDER.vmap is None:
            return alone(weight._leaf, table, index, skipped)
    index = apply_one(FLAT, index)
    rows = table[index]
    if not by_frequency:
        return rows
    counts = segment_sum(ones(index.shape, dtype=table.dtype), index, table.shape[0])[index]
    value = rows.detach()
    return value + (rows - value) / counts.unsqueeze(-1)


def alone(leaf: Leaf, table: Any, index: Any, skipped: int | None) -> Any:
    """Rows of a leaf as a source of their own, so that their gradient is sparse."""
    at, rows = apply(ALONE, (index, table))
    return marked(leaf, rows, at, table._aval, skipped)


def marked(leaf: Leaf, rows: Any, index: Any, aval: Any, skipped: int | None) -> Any:
    """Rows of a leaf, of which the one that is skipped gets no gradient."""
    at = index if skipped is None else where(index == skipped, aval.shape[0], index)
    source = mark_leaf(rows, RowLeaf(leaf, at, aval, skipped is not None))
    source._held = True
    return source


def of_shared(name: str, weight: Shared, index: Any, skipped: int | None, sparse: Any, more: Any) -> Any:
    """Rows of a Shared, as they are at this moment."""
    if more or not flag(f"{name}: sparse", sparse):
        raise ValueError(f"{name}: a Shared is read by rows: sparse=True, without max_norm and scale_grad_by_freq")
    array, count = array_of(index), weight.shape[0]
    outside = array[(array < 0) | (array >= count)]
    if outside.size:
        bad = outside[0] + (FROM_THE_END if outside[0] < 0 else 0)
        raise OutOfRange(f"{name}: index {bad} is out of range for axis 0 of size {count}", at=site(here()))
    rows = weight.read(index)
    if weight._leaf is None or not current_mode().grad:
        return rows
    return marked(weight._leaf, rows, index, weight._aval, skipped)


def within_norm(name: str, weight: Any, index: Any, most: float, order: float) -> None:
    """Write the rows at indices of a place so that none has a norm above ``most``. A module's own forward may do so:
    that is what its argument asks for."""
    if not isinstance(weight, Var):
        raise WriteError(
            f"{name}: max_norm writes the weight, and this is a value",
            at=site(here()),
            help="make a place first: nn.Parameter(x), or x.mut()",
        )
    array, count = array_of(index), weight.shape[0]
    if array.size and not (array.min() >= 0 and array.max() < count):
        raise OutOfRange(f"{name}: indices between {array.min()} and {array.max()}, in a table of {count} rows")

    def write() -> None:
        table = value_of(weight).detach()
        rows = table[index]
        norms = vector_norm(rows, order, -1, True)
        weight._take(table.at[index].set(where(norms > most, rows * (most / (norms + TINY)), rows)))

    no_grad().apply(write)
