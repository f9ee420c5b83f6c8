"""Writing by index as functions. Each gives a new value; places have them with a trailing underscore.

Where indices repeat, the last in C order stands if it is set, and all count otherwise (TN803).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tenure.errors import DTypeError, OutOfRange, ShapeError, shown
from tenure.ops import select
from tenure.ops.promote import Operation
from tenure.values import creation, indexing
from tenure.values.at import AtIndex
from tenure.values.axes import check_axis
from tenure.values.boundary import array_of
from tenure.values.given import flag, int_of, number
from tenure.values.reading import value_of
from tenure.values.record import apply
from tenure.values.sites import at_users_line

SCATTER = Operation("scatter", select.scattered, "ScatterBackward0")
PUT_ALONG = Operation("put_along_axis", select.put_along, "ScatterBackward0")
NUMBERS = (bool, int, float)
REDUCE = {"sum": "add", "prod": "multiply", "amax": "max", "amin": "min", "add": "add", "multiply": "multiply"}


def _scattered(x: Any, dim: int, index: Any, v: Any, way: str, name: str) -> Any:
    x = value_of(x)
    v = indexing.fitting(x, v)
    params = (("axis", check_axis(dim, len(x._aval.shape))), ("way", way), ("name", name))
    operands = (x, value_of(index))
    h = apply(SCATTER, operands, params, (v,)) if type(v) in NUMBERS else apply(SCATTER, (*operands, v), params)
    return at_users_line(h)


def scatter(x: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Any:
    """x with out[index[i][j]][j] = src[i][j] for dim 0: where ``gather`` would read. ``src`` may be a number."""
    src = value if src is None else src
    if src is None:
        raise ShapeError("scatter: neither src nor value is given")
    return _scattered(x, dim, index, src, "set" if reduce is None else _way(reduce), "scatter")


def scatter_add(x: Any, dim: int, index: Any, src: Any) -> Any:
    """x with ``src`` added where ``gather`` would read."""
    return _scattered(x, dim, index, src, "add", "scatter_add")


def scatter_reduce(x: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    """x combined with ``src`` where ``gather`` would read: sum, prod, amax, amin or mean, with x among it or not.

    The mean of whole numbers is rounded down to one, as in PyTorch.
    """
    x, src = value_of(x), value_of(src)
    way = "add" if isinstance(reduce, str) and reduce == "mean" else _way(reduce)
    include_self = flag("include_self", include_self)
    base = x if include_self else scatter(x, dim, index, select.identity_of(way, x._aval.dtype))
    total = _scattered(base, dim, index, src, way, "scatter_reduce")
    if reduce != "mean":
        return total
    ones = creation.ones_like(x)
    count = ones if include_self else scatter(ones, dim, index, 0)
    count = _scattered(count, dim, index, creation.ones_like(src), "add", "scatter_reduce")
    return total / count if x._aval.dtype.is_floating else total // count


def _way(reduce: str) -> str:
    if not isinstance(reduce, str) or reduce not in REDUCE:
        raise DTypeError(f"reduce is one of sum, prod, amax, amin and mean, not {shown(reduce)}")
    return REDUCE[reduce]


def put_along_axis(x: Any, indices: Any, values: Any, axis: int) -> Any:
    """x with ``values`` where ``take_along_axis`` would read."""
    x = value_of(x)
    v = indexing.fitting(x, values)
    params = (("axis", check_axis(axis, len(x._aval.shape))),)
    operands = (x, value_of(indices))
    h = apply(PUT_ALONG, operands, params, (v,)) if type(v) in NUMBERS else apply(PUT_ALONG, (*operands, v), params)
    return at_users_line(h)


def _parts(x: Any, dim: int, index: Any, name: str, source: Any = None) -> AtIndex:
    """``x.at`` the parts that a list of indices names along an axis. TN802 if a source has not their shape or dtype."""
    x, index = value_of(x), value_of(index)
    if len(index._aval.shape) > 1:
        raise ShapeError(f"{name}: indices of shape {list(index._aval.shape)}, where a list of them is wanted")
    shape, dtype = x._aval.shape, x._aval.dtype
    k = check_axis(dim, len(shape))
    if source is not None:
        wanted = (*shape[:k], index._aval.size, *shape[k + 1 :])
        if source._aval.shape != wanted:
            raise ShapeError(
                f"{name}: a source of shape {list(source._aval.shape)}, where {list(wanted)} is wanted",
                help=f"it has the shape of the tensor, with a part along axis {k} for each index",
            )
        if source._aval.dtype is not dtype:
            raise select.other_dtype(name, source._aval.dtype, dtype)
    return AtIndex(x, (*[slice(None)] * k, index.reshape(-1)))


def index_add(x: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
    """x with alpha · ``source`` added at a list of indices along an axis: a part of it for each index."""
    source = value_of(source)
    plain = type(alpha) is int and alpha == 1
    scaled = source if plain else source * number("index_add", "alpha", alpha)
    return _parts(x, dim, index, "index_add", source).add(scaled)


def index_copy(x: Any, dim: int, index: Any, source: Any) -> Any:
    """x with ``source`` at a list of indices along an axis: a part of it for each index."""
    source = value_of(source)
    return _parts(x, dim, index, "index_copy", source).set(source)


def index_fill(x: Any, dim: int, index: Any, value: Any) -> Any:
    """x with one number at a list of indices along an axis."""
    return _parts(x, dim, index, "index_fill").set(value)


def masked_fill(x: Any, mask: Any, value: Any) -> Any:
    """x with a number (or what broadcasts to x) where a mask that broadcasts to x holds."""
    x, mask = value_of(x), value_of(mask)
    v = indexing.fitting(x, value)
    operands = (x, mask)
    h = apply(indexing.FILLED, operands, (), (v,)) if type(v) in NUMBERS else apply(indexing.FILLED, (*operands, v))
    return at_users_line(h)


def _rows_written(x: Any, dim: int, index: Any, *rest: Any, **more: Any) -> Any:
    """The index of what is written at a list of indices along an axis."""
    return (*[slice(None)] * check_axis(dim, len(x._aval.shape)), index)


def _spots_written(x: Any, dim: int, index: Any, *rest: Any, **more: Any) -> Any:
    """The index of what ``gather`` would read."""
    index, at = value_of(index), check_axis(dim, len(x._aval.shape))
    shape = index._aval.shape
    count = [np.arange(n).reshape([n if k == j else 1 for j in range(len(shape))]) for k, n in enumerate(shape)]
    return tuple([index if k == at else numbers for k, numbers in enumerate(count)])


def _mask_written(x: Any, mask: Any, *rest: Any, **more: Any) -> Any:
    """The index of what a mask selects; all, if it is still to be broadcast and not at hand."""
    mask = value_of(mask)
    if mask._aval.shape == x._aval.shape:
        return mask
    return np.broadcast_to(mask._data, x._aval.shape) if type(mask._data) is np.ndarray else ...


WRITTEN: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("index_add", "index_copy", "index_fill"), _rows_written),
    **dict.fromkeys(("scatter", "scatter_add", "scatter_reduce"), _spots_written),
    "masked_fill": _mask_written,
}
"""For functions that write by index what index they write at: all else of x stays as it is."""


def _segments(data: Any, ids: Any, count: int | None, way: str) -> Any:
    """Rows of ``data`` combined by the segment that each belongs to."""
    data, ids = value_of(data), value_of(ids)
    shape = data._aval.shape
    if not shape or ids._aval.shape != shape[:1]:
        raise ShapeError(f"segments of shape {list(ids._aval.shape)} for rows of shape {list(shape)}: one for each row")
    if count is None:
        known = array_of(ids)
        if known.dtype.kind not in "iu":
            raise DTypeError(f"segments of dtype {ids._aval.dtype.name}", help="segments are numbered by ints")
        count = int(known.max()) + 1 if known.size else 0
    elif int_of(count, "num_segments") < 0:
        raise OutOfRange(f"{count} segments")
    dtype = data._aval.dtype
    start = creation.full((count, *shape[1:]), select.identity_of(way, dtype), dtype=dtype)
    return AtIndex(start, ids)._combined(way, data, lambda x, v: x)


def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None) -> Any:
    """For each segment the sum of its rows: segment_ids[k] is that of row k. An empty one has 0.

    Without ``num_segments`` the ids are read, and there are as many as the largest of them says.
    """
    return _segments(data, segment_ids, num_segments, "add")


def segment_prod(data: Any, segment_ids: Any, num_segments: int | None = None) -> Any:
    """For each segment the product of its rows; an empty one has 1."""
    return _segments(data, segment_ids, num_segments, "multiply")


def segment_max(data: Any, segment_ids: Any, num_segments: int | None = None) -> Any:
    """For each segment the largest of its rows; an empty one has −∞, or the least integer."""
    return _segments(data, segment_ids, num_segments, "max")


def segment_min(data: Any, segment_ids: Any, num_segments: int | None = None) -> Any:
    """For each segment the smallest of its rows; an empty one has ∞, or the largest integer."""
    return _segments(data, segment_ids, num_segments, "min")


def segment_mean(data: Any, segment_ids: Any, num_segments: int | None = None) -> Any:
    """For each segment the mean of its rows; an empty one has 0."""
    data, ids = value_of(data), value_of(segment_ids)
    total = segment_sum(data, ids, num_segments)
    ones = creation.ones(*ids._aval.shape, dtype=data._aval.dtype)
    count = segment_sum(ones, ids, total._aval.shape[0]).reshape((-1, *[1] * (data._aval.ndim - 1)))
    return total / count.clip(1)
