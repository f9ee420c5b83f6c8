"""Bags of embeddings: sums, means and maxima of rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.errors import DTypeError, ShapeError, shown
from tenure.nn.functional.caller import named_by_caller
from tenure.nn.functional.rows import fetched, table_of
from tenure.values.operations import scattering
from tenure.values.operations.arithmetic import where
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import tensor
from tenure.values.operations.factories import ones
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag, int_of

if TYPE_CHECKING:
    from tenure.values.places.shared import Shared
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

MODES = ("sum", "mean", "max")


@named_by_caller
def embedding_bag(
    input: ArrayLike,
    weight: ArrayLike | Shared,
    offsets: ArrayLike | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: ArrayLike | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or maximum of rows of a table for each bag of indices; zeros for an empty bag.

    Shapes: weight (count, size), and input (bags, n), or (n,) with ``offsets`` (bags,), where each bag begins: 0 first,
    none less than the one before, which are read; with ``include_last_offset`` the last one is the end. The result has
    (bags, size). ``per_sample_weights``, in the shape of the input, multiply the rows of a sum. Indices that equal
    ``padding_idx`` count for nothing. ``max_norm``, ``norm_type``, ``scale_grad_by_freq`` and ``sparse`` (these two not
    with maxima) as in ``embedding``. Equal maxima share the gradient. OutOfRange (TN801), when the result is read, for
    an index outside [0, count); TN802 for what does not fit.

    >>> table = tn.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> F.embedding_bag(tn.tensor([0, 1, 1]), table, tn.tensor([0, 2]), mode="sum")
    tensor([[4., 6.],
            [3., 4.]])
    """
    index, table = value_of(input), table_of(weight)
    if not isinstance(mode, str) or mode not in MODES:
        raise ValueError(f"embedding_bag: mode is 'sum', 'mean' or 'max', not {shown(mode)}")
    if index.dtype.kind not in "iu":
        raise DTypeError(f"embedding_bag: indices of dtype {index.dtype.name}", help="indices are int32 or int64")
    if table.ndim != 2 or index.ndim not in (1, 2):
        shapes = f"indices of shape {list(index.shape)} and a weight of shape {list(table.shape)}"
        raise ShapeError(f"embedding_bag: {shapes}; they are (n,) or (bags, n), and (count, size)")
    bags, number = _bags(index, offsets, flag("include_last_offset", include_last_offset))
    flat = index.flatten()
    for name, given in (("scale_grad_by_freq", scale_grad_by_freq), ("sparse", sparse)):
        if flag(f"embedding_bag: {name}", given) and mode == "max":
            raise ValueError(f"embedding_bag: {name} goes with mode='sum' and 'mean', not 'max'")
    skipped, form = _row(padding_idx, table.shape[0]), (max_norm, norm_type, scale_grad_by_freq, sparse)
    rows = fetched("embedding_bag", weight, flat, skipped, *form)
    counts = None if skipped is None else flat != skipped
    if per_sample_weights is not None:
        rows = rows * _weights(value_of(per_sample_weights), index, table, mode)
    if mode == "max":
        return _largest(rows, bags, number, counts)
    if counts is not None:
        rows = where(counts.unsqueeze(-1), rows, 0.0)
    total = scattering.segment_sum(rows, bags, number)
    if mode == "sum":
        return total
    here = ones(flat.shape, dtype=table.dtype) if counts is None else counts.to(table.dtype)
    return total / scattering.segment_sum(here, bags, number).clip(1).unsqueeze(-1)


def _bags(index: Any, offsets: Any, ends: bool) -> tuple[Tensor, int]:
    """The number of the bag of each index, and how many bags there are."""
    if index.ndim == 2:
        if offsets is not None:
            raise ShapeError("embedding_bag: indices (bags, n) take no offsets")
        return tensor(np.repeat(np.arange(index.shape[0]), index.shape[1])), index.shape[0]
    if offsets is None:
        raise ShapeError("embedding_bag: indices (n,) take offsets, where each bag begins")
    starts, size = array_of(value_of(offsets)), index.shape[0]
    if starts.ndim != 1 or starts.dtype.kind not in "iu":
        raise ShapeError(f"embedding_bag: offsets are a list of ints, not {starts.dtype.name}{list(starts.shape)}")
    if ends and (not starts.size or starts[-1] != size):
        raise ShapeError(f"embedding_bag: with include_last_offset the last offset is the number of indices, {size}")
    starts = starts[:-1] if ends else starts
    if (starts.size and (starts[0] != 0 or starts[-1] > size)) or (np.diff(starts) < 0).any():
        raise ShapeError(f"embedding_bag: offsets begin with 0 and rise up to {size}, unlike {shown(starts.tolist())}")
    if not starts.size and size:
        raise ShapeError(f"embedding_bag: no bag for {size} indices")
    return tensor(np.repeat(np.arange(starts.size), np.diff(starts, append=size))), starts.size


def _row(padding_idx: Any, count: int) -> int | None:
    if padding_idx is None:
        return None
    if not -count <= int_of(padding_idx, "padding_idx") < count:
        raise ValueError(f"embedding_bag: padding_idx {padding_idx} is not within the {count} rows")
    return int(padding_idx % count)


def _weights(weights: Any, index: Any, table: Any, mode: str) -> Tensor:
    """The weight of each index, beside the rows."""
    if mode != "sum":
        raise ValueError(f"embedding_bag: per_sample_weights go with mode='sum', not {mode!r}")
    if weights.shape != index.shape:
        raise ShapeError(
            f"embedding_bag: per_sample_weights of shape {list(weights.shape)} for indices of {list(index.shape)}"
        )
    if weights.dtype is not table.dtype:
        raise DTypeError(f"embedding_bag: per_sample_weights of {weights.dtype.name} for rows of {table.dtype.name}")
    return weights.flatten().unsqueeze(-1)  # type: ignore[no-any-return]


def _largest(rows: Any, bags: Any, number: int, counts: Any) -> Tensor:
    """The largest rows of each bag; zeros where nothing counts."""
    if counts is not None:
        rows = where(counts.unsqueeze(-1), rows, -float("inf"))
    here = ones(bags.shape, dtype=rows.dtype) if counts is None else counts.to(rows.dtype)
    found = scattering.segment_sum(here, bags, number).unsqueeze(-1) > 0
    return where(found, scattering.segment_max(rows, bags, number), 0.0)
