"""Rows of a table at indices, for embeddings: kept within a norm, with gradients by frequency."""

from __future__ import annotations

from typing import Any

from tenure.errors import GradientError, OutOfRange, WriteError
from tenure.ir.traits import FROM_THE_END
from tenure.values.grad.steps import mark
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


def table_of(weight: Any) -> Any:
    """The weight as it is asked for its shape: a value, or a Shared, of which no more than rows is read."""
    return weight if isinstance(weight, Shared) else value_of(weight)


def fetched(
    name: str, weight: Any, index: Any, skipped: int | None,
    max_norm: Any, norm_type: Any, by_frequency: Any, sparse: Any,
) -> Any:  # fmt: skip
    """The rows at indices (n,), which are not negative; with ``sparse`` no gradient goes to the one ``skipped``."""
    if isinstance(weight, Shared):
        return of_shared(name, weight, index, skipped, sparse, max_norm is not None or by_frequency)
    order = float(number(name, "norm_type", norm_type))
    if max_norm is not None:
        within_norm(name, weight, index, float(number(name, "max_norm", max_norm)), order)
    table, by_frequency = value_of(weight), flag(f"{name}: scale_grad_by_freq", by_frequency)
    if flag(f"{name}: sparse", sparse) and table._kind.tracked and current_mode().grad:
        if by_frequency:
            raise GradientError(f"{name}: scale_grad_by_freq does not go with sparse=True", at=site(here()))
        if isinstance(weight, Var) and weight._leaf is not None and RECORDER.vmap is None:
            return alone(weight._leaf, table, index, skipped)
    rows = table[index]
    if not by_frequency:
        return rows
    counts = segment_sum(ones(index.shape, dtype=table.dtype), index, table.shape[0])[index]
    value = rows.detach()
    return value + (rows - value) / counts.unsqueeze(-1)


def alone(leaf: Leaf, table: Any, index: Any, skipped: int | None) -> Any:
    """Rows of a leaf as a source of their own, so that their gradient is sparse."""
    return marked(leaf, table.detach()[index], index.detach(), table._aval, skipped)


def marked(leaf: Leaf, rows: Any, index: Any, aval: Any, skipped: int | None) -> Any:
    """Rows of a leaf, of which the one that is skipped gets no gradient."""
    at = index if skipped is None else where(index == skipped, aval.shape[0], index)
    return mark(rows, RowLeaf(leaf, at, aval, skipped is not None))


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
