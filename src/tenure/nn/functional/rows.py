"""Rows of a table at indices, for embeddings: kept within a norm, with gradients by frequency."""

from __future__ import annotations

from typing import Any

from tenure.errors import GradientError, OutOfRange, WriteError
from tenure.values.grad.steps import mark
from tenure.values.operations.arithmetic import where
from tenure.values.operations.boundary import array_of
from tenure.values.operations.factories import ones
from tenure.values.operations.norms import vector_norm
from tenure.values.operations.reading import value_of
from tenure.values.operations.scattering import segment_sum
from tenure.values.places.var import Var
from tenure.values.rules.graph import Leaf, RowLeaf
from tenure.values.rules.modes import current_mode, no_grad
from tenure.values.rules.sites import here, site
from tenure.values.trace.given import flag, number
from tenure.values.trace.record import RECORDER

TINY = 1e-7
"""The number that PyTorch adds to a norm by which it divides."""


def fetched(
    name: str, weight: Any, index: Any, skipped: int | None,
    max_norm: Any, norm_type: Any, by_frequency: Any, sparse: Any,
) -> Any:  # fmt: skip
    """The rows at indices (n,), which are not negative; with ``sparse`` no gradient goes to the one ``skipped``."""
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
    index, aval = index.detach(), table._aval
    at = index if skipped is None else where(index == skipped, aval.shape[0], index)
    return mark(table.detach()[index], RowLeaf(leaf, at, aval, skipped is not None))


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
