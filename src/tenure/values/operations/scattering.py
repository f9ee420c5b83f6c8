"""Writing by index as functions that return new values; places have them with a trailing underscore.

Where indices repeat, the last in C order stands if it is set, and all count otherwise (TN803).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.errors import DTypeError, OutOfRange, ShapeError, shown
from tenure.ops import select
from tenure.ops.promote import Operation
from tenure.values.native.hits import apply
from tenure.values.operations import arithmetic, factories, indexing
from tenure.values.operations.at import AtIndex
from tenure.values.operations.axes import check_axis, check_dim
from tenure.values.operations.boundary import array_of
from tenure.values.operations.lookup import take
from tenure.values.operations.reading import value_of
from tenure.values.operations.scans import cumulative_sum
from tenure.values.rules.sites import at_users_line
from tenure.values.trace import record
from tenure.values.trace.given import factor, flag, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Operand

SCATTER = Operation("scatter", select.scattered, "ScatterBackward0")
PUT_ALONG = Operation("put_along_axis", select.put_along, "ScatterBackward0")
NUMBERS = (bool, int, float)
REDUCE = {"sum": "add", "prod": "multiply", "amax": "max", "amin": "min", "add": "add", "multiply": "multiply"}


def _scattered(x: Any, dim: int, index: Any, v: Any, way: str, name: str) -> Tensor:
    x = value_of(x)
    v = indexing.fitting(x, v)
    params = (("axis", check_dim(dim, len(x._aval.shape))), ("way", way), ("name", name))
    operands = (x, value_of(index))
    h = apply(SCATTER, operands, params, (v,)) if type(v) in NUMBERS else apply(SCATTER, (*operands, v), params)
    return at_users_line(h)


def scatter(
    x: ArrayLike,
    dim: int,
    index: ArrayLike,
    src: ArrayLike | None = None,
    *,
    value: Operand | None = None,
    reduce: str | None = None,
) -> Tensor:
    """x with other elements where ``gather`` would read: out[index[i][j]][j] = src[i][j] for dim 0.

    ``src`` has the shape of ``index``, or is a number (``value``); ``reduce`` combines it with x: sum, prod, amax or
    amin. Of equal indices the last in C order stands (TN803). OutOfRange (TN801), when the result is read, for an
    index outside the axis.

    >>> tn.scatter(tn.zeros(3), 0, tn.tensor([2, 0]), tn.tensor([5.0, 7.0]))
    tensor([7., 0., 5.])
    """
    src = value if src is None else src
    if src is None:
        raise ShapeError("scatter: neither src nor value is given")
    return _scattered(x, dim, index, src, "set" if reduce is None else _way(reduce), "scatter")


def scatter_add(x: ArrayLike, dim: int, index: ArrayLike, src: ArrayLike) -> Tensor:
    """x with ``src`` added where ``gather`` would read; all count where indices repeat (TN803).

    OutOfRange (TN801), when the result is read, for an index outside the axis.

    >>> tn.scatter_add(tn.zeros(3), 0, tn.tensor([2, 2]), tn.tensor([5.0, 7.0]))
    tensor([ 0.,  0., 12.])
    """
    return _scattered(x, dim, index, src, "add", "scatter_add")


def scatter_reduce(
    x: ArrayLike, dim: int, index: ArrayLike, src: ArrayLike, reduce: str, *, include_self: bool = True
) -> Tensor:
    """x combined with ``src`` where ``gather`` would read: sum, prod, amax, amin or mean, with x among it or not.

    The mean of whole numbers is rounded down to one, as in PyTorch. DTypeError (TN802) for another ``reduce``;
    OutOfRange (TN801), when the result is read, for an index outside the axis.

    >>> tn.scatter_reduce(tn.ones(2), 0, tn.tensor([0, 0]), tn.tensor([5.0, 7.0]), "amax")
    tensor([7., 1.])
    """
    x, src = value_of(x), value_of(src)
    way = "add" if isinstance(reduce, str) and reduce == "mean" else _way(reduce)
    include_self = flag("include_self", include_self)
    base = x if include_self else scatter(x, dim, index, select.identity_of(way, x._aval.dtype))
    total = _scattered(base, dim, index, src, way, "scatter_reduce")
    if reduce != "mean":
        return total
    ones = factories.ones_like(x)
    count = ones if include_self else scatter(ones, dim, index, 0)
    count = _scattered(count, dim, index, factories.ones_like(src), "add", "scatter_reduce")
    return total / count if x._aval.dtype.is_floating else total // count


def _way(reduce: str) -> str:
    if not isinstance(reduce, str) or reduce not in REDUCE:
        raise DTypeError(f"reduce is one of sum, prod, amax, amin and mean, not {shown(reduce)}")
    return REDUCE[reduce]


def put_along_axis(x: ArrayLike, indices: ArrayLike, values: ArrayLike, axis: int) -> Tensor:
    """x with ``values`` where ``take_along_axis`` would read; of equal indices the last in C order stands (TN803).

    OutOfRange (TN801), when the result is read, for an index outside the axis.

    >>> tn.put_along_axis(tn.zeros(2, 2), tn.tensor([[1], [0]]), 5.0, axis=1)
    tensor([[0., 5.],
            [5., 0.]])
    """
    x = value_of(x)
    v = indexing.fitting(x, values)
    params = (("axis", check_axis(axis, len(x._aval.shape))),)
    operands = (x, value_of(indices))
    h = apply(PUT_ALONG, operands, params, (v,)) if type(v) in NUMBERS else apply(PUT_ALONG, (*operands, v), params)
    return at_users_line(h)


def _parts(
    x: Any, dim: int, index: Any, name: str, source: Any, write: Callable[[AtIndex, Any], Tensor]
) -> Tensor:
    """x with a source, or a number, written by ``x.at`` for a list of indices along an axis. TN802 if a source has not
    the shape or dtype of the selection."""
    x, index = value_of(x), value_of(index)
    if not x._aval.shape and index._aval.size == 1:
        check_dim(dim, 0)
        listed = source.reshape(1, *source._aval.shape) if isinstance(source, record._Tensor) else source
        return _parts(x.reshape(1), 0, index, name, listed, write).reshape(())
    if len(index._aval.shape) > 1:
        raise ShapeError(f"{name}: indices of shape {list(index._aval.shape)}, where a list of them is wanted")
    shape, dtype = x._aval.shape, x._aval.dtype
    k = check_axis(dim, len(shape))
    if isinstance(source, record._Tensor) and name != "index_fill":
        wanted = (*shape[:k], index._aval.size, *shape[k + 1 :])
        if source._aval.shape != wanted:
            raise ShapeError(
                f"{name}: a source of shape {list(source._aval.shape)}, where {list(wanted)} is wanted",
                help=f"it has the shape of the tensor, with a part along axis {k} for each index",
            )
        if source._aval.dtype is not dtype:
            raise select.other_dtype(name, source._aval.dtype, dtype)
    return write(AtIndex(x, (*[slice(None)] * k, index.reshape(-1))), source)


def index_add(x: ArrayLike, dim: int, index: ArrayLike, source: ArrayLike, *, alpha: float = 1) -> Tensor:
    """x with alpha · ``source`` added at a list of indices along an axis: a part of it for each index.

    All count where indices repeat (TN803). ShapeError (TN802) if the source has another shape; OutOfRange (TN801),
    when the result is read, for an index outside the axis.

    >>> tn.index_add(tn.zeros(3), 0, tn.tensor([0, 0]), tn.tensor([1.0, 2.0]))
    tensor([3., 0., 0.])
    """
    scale = 1 if type(alpha) is int and alpha == 1 else factor("index_add", "alpha", alpha)

    def write(at: AtIndex, source: Any) -> Tensor:
        return at.add(source if type(scale) is int and scale == 1 else source * scale)

    return _parts(x, dim, index, "index_add", value_of(source), write)


def index_copy(x: ArrayLike, dim: int, index: ArrayLike, source: ArrayLike) -> Tensor:
    """x with ``source`` at a list of indices along an axis: a part of it for each index.

    Of equal indices the last stands (TN803). ShapeError (TN802) if the source has another shape; OutOfRange (TN801),
    when the result is read, for an index outside the axis.

    >>> tn.index_copy(tn.zeros(3), 0, tn.tensor([2, 0]), tn.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    return _parts(x, dim, index, "index_copy", value_of(source), AtIndex.set)


def index_fill(x: ArrayLike, dim: int, index: ArrayLike, value: Operand) -> Tensor:
    """x with one number at a list of indices along an axis.

    OutOfRange (TN801), when the result is read, for an index outside the axis.

    >>> tn.index_fill(tn.zeros(3), 0, tn.tensor([0, 2]), 5)
    tensor([5., 0., 5.])
    """
    return _parts(x, dim, index, "index_fill", value, AtIndex.set)


def masked_fill(x: ArrayLike, mask: ArrayLike, value: Operand) -> Tensor:
    """x with a number, or a tensor that broadcasts to x, where a mask holds.

    The mask (bool) broadcasts to x, else ShapeError (TN802).

    >>> tn.masked_fill(tn.tensor([1.0, 2.0]), tn.tensor([True, False]), 0.0)
    tensor([0., 2.])
    """
    x, mask = value_of(x), value_of(mask)
    v = indexing.fitting(x, value)
    operands = (x, mask)
    h = apply(indexing.FILLED, operands, (), (v,)) if type(v) in NUMBERS else apply(indexing.FILLED, (*operands, v))
    return at_users_line(h)


def masked_scatter(x: ArrayLike, mask: ArrayLike, source: ArrayLike) -> Tensor:
    """x with elements of ``source``, one after the other in C order, where a mask holds.

    The mask (bool) broadcasts to x, else ShapeError (TN802), as for a source that has too few elements; one that has
    fewer than x is why the mask is read.

    >>> tn.masked_scatter(tn.zeros(3), tn.tensor([True, False, True]), tn.tensor([1.0, 2.0, 3.0]))
    tensor([1., 0., 2.])
    """
    x, mask, source = value_of(x), value_of(mask), value_of(source)
    if mask._aval.dtype.kind != "b":
        raise DTypeError(f"masked_scatter: a mask of dtype {mask._aval.dtype.name}", help="compare first: x > 0")
    if source._aval.dtype is not x._aval.dtype:
        raise select.other_dtype("masked_scatter", source._aval.dtype, x._aval.dtype)
    mask = mask if mask._aval.shape == x._aval.shape else mask.broadcast_to(x._aval.shape)
    if source._aval.size >= x._aval.size > 0:  # enough for any mask
        place = arithmetic.maximum(cumulative_sum(mask.reshape(-1)) - 1, 0)
        return at_users_line(arithmetic.where(mask, take(source.reshape(-1), place, 0).reshape(x._aval.shape), x))
    count = int(array_of(mask).sum())
    if source._aval.size < count:
        raise ShapeError(f"masked_scatter: {source._aval.size} elements for the {count} that the mask selects")
    return AtIndex(x.reshape(-1), mask.reshape(-1)).set(source.reshape(-1)[:count]).reshape(x._aval.shape)


def index_put(
    x: ArrayLike, indices: Sequence[ArrayLike | None], values: ArrayLike, accumulate: bool = False
) -> Tensor:
    """x with ``values`` at index tensors, one for an axis (None: all of it), or with them added there.

    As ``x.at[indices].set(values)`` and ``add``. OutOfRange (TN801), when the result is read, for an index outside its
    axis.

    >>> tn.index_put(tn.zeros(3), (tn.tensor([0, 2]),), tn.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    parts = AtIndex(value_of(x), key_of(indices))
    return parts.add(values) if flag("accumulate", accumulate) else parts.set(values)


def key_of(indices: Any) -> Any:
    """Index of a tuple of tensors, in which None stands for all of an axis."""
    if not isinstance(indices, tuple | list):
        raise DTypeError(f"index_put: indices are a tuple of tensors, not {shown(indices)}")
    return tuple([slice(None) if i is None else value_of(i) for i in indices])


def _put_written(x: Any, indices: Any, *rest: Any, **more: Any) -> Any:
    """Index of a tuple of tensors."""
    return key_of(indices)


def _rows_written(x: Any, dim: int, index: Any, *rest: Any, **more: Any) -> Any:
    """Index written by a list of indices along an axis."""
    ndim = len(x._aval.shape)
    return (*[slice(None)] * check_axis(dim, ndim), index) if ndim else ...


def _spots_written(x: Any, dim: int, index: Any, *rest: Any, **more: Any) -> Any:
    """Index that ``gather`` would read."""
    if not x._aval.shape:
        return ...
    index, at = value_of(index), check_axis(dim, len(x._aval.shape))
    index = index if index._aval.shape else index.reshape(1)
    shape = index._aval.shape
    count = [np.arange(n).reshape([n if k == j else 1 for j in range(len(shape))]) for k, n in enumerate(shape)]
    return tuple([index if k == at else numbers for k, numbers in enumerate(count)])


def _mask_written(x: Any, mask: Any, *rest: Any, **more: Any) -> Any:
    """Index of a mask's elements; all, if the mask is still to be broadcast and its values are not known."""
    mask = value_of(mask)
    if mask._aval.shape == x._aval.shape:
        return mask
    return np.broadcast_to(mask._data, x._aval.shape) if type(mask._data) is np.ndarray else ...


WRITTEN: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("index_add", "index_copy", "index_fill", "index_reduce"), _rows_written),
    **dict.fromkeys(("scatter", "scatter_add", "scatter_reduce"), _spots_written),
    **dict.fromkeys(("masked_fill", "masked_scatter"), _mask_written),
    "index_put": _put_written,
}
"""Written index of each function that writes by index: all other elements of x stay as they are."""


def _segments(data: Any, ids: Any, count: int | None, way: str) -> Tensor:
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
    start = factories.full((count, *shape[1:]), select.identity_of(way, dtype), dtype=dtype)
    return AtIndex(start, ids)._combined(way, data, lambda x, v: x)


def segment_sum(data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None) -> Tensor:
    """The sum of the rows of each segment; segment_ids[k] is the segment of row k, and an empty one has 0.

    Shapes: data (n, …) and ids (n,) give (num_segments, …). Without ``num_segments`` the ids are read, and the largest
    tells. ShapeError (TN802) unless there is an id for each row; OutOfRange (TN801), when the result is read, for an
    id outside the segments.

    >>> tn.segment_sum(tn.tensor([1.0, 2.0, 4.0]), tn.tensor([0, 0, 1]))
    tensor([3., 4.])
    """
    return _segments(data, segment_ids, num_segments, "add")


def segment_prod(data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None) -> Tensor:
    """The product of the rows of each segment; an empty one has 1. Arguments and errors as in ``segment_sum``.

    >>> tn.segment_prod(tn.tensor([1.0, 2.0, 4.0]), tn.tensor([0, 0, 1]))
    tensor([2., 4.])
    """
    return _segments(data, segment_ids, num_segments, "multiply")


def segment_max(data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None) -> Tensor:
    """The largest of the rows of each segment; an empty one has −∞, or the least integer.

    Arguments and errors as in ``segment_sum``.

    >>> tn.segment_max(tn.tensor([1.0, 2.0, 4.0]), tn.tensor([0, 0, 1]))
    tensor([2., 4.])
    """
    return _segments(data, segment_ids, num_segments, "max")


def segment_min(data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None) -> Tensor:
    """The smallest of the rows of each segment; an empty one has ∞, or the largest integer.

    Arguments and errors as in ``segment_sum``.

    >>> tn.segment_min(tn.tensor([1.0, 2.0, 4.0]), tn.tensor([0, 0, 1]))
    tensor([1., 4.])
    """
    return _segments(data, segment_ids, num_segments, "min")


def segment_mean(data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None) -> Tensor:
    """The mean of the rows of each segment; an empty one has 0.

    Arguments and errors as in ``segment_sum``; DTypeError (TN802) for whole numbers.

    >>> tn.segment_mean(tn.tensor([1.0, 2.0, 4.0]), tn.tensor([0, 0, 1]))
    tensor([1.5000, 4.0000])
    """
    data, ids = value_of(data), value_of(segment_ids)
    if data._aval.dtype.kind not in "fc":
        name = data._aval.dtype.name
        raise DTypeError(f"segment_mean of {name} has no dtype of its own", help="cast first: data.to(tn.float32)")
    total = segment_sum(data, ids, num_segments)
    ones = factories.ones(*ids._aval.shape, dtype=data._aval.dtype)
    count = segment_sum(ones, ids, total._aval.shape[0]).reshape((-1, *[1] * (data._aval.ndim - 1)))
    return total / count.clip(1)
