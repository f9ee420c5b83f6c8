"""Rows of a table at indices, for embeddings: kept within a norm, with gradients by frequency."""

from __future__ import annotations

from typing import Any

from tenure.errors import OutOfRange, WriteError
from tenure.values.operations.arithmetic import where
from tenure.values.operations.boundary import array_of
from tenure.values.operations.factories import ones
from tenure.values.operations.norms import vector_norm
from tenure.values.operations.reading import value_of
from tenure.values.operations.scattering import segment_sum
from tenure.values.places.var import Var
from tenure.values.rules.modes import no_grad
from tenure.values.rules.sites import here, site
from tenure.values.trace.given import flag, number

TINY = 1e-7
"""The number that PyTorch adds to a norm by which it divides."""


def fetched(
    name: str, weight: Any, index: Any, max_norm: Any, norm_type: Any, by_frequency: Any, sparse: Any
) -> Any:
    """The rows at indices (n,), which are not negative."""
    flag(f"{name}: sparse", sparse)
    order = float(number(name, "norm_type", norm_type))
    if max_norm is not None:
        within_norm(name, weight, index, float(number(name, "max_norm", max_norm)), order)
    table = value_of(weight)
    rows = table[index]
    if not flag(f"{name}: scale_grad_by_freq", by_frequency):
        return rows
    counts = segment_sum(ones(index.shape, dtype=table.dtype), index, table.shape[0])[index]
    value = rows.detach()
    return value + (rows - value) / counts.unsqueeze(-1)


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
