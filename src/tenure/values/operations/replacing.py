"""Parts of a tensor replaced, as functions that return new values: one index of an axis, a slice, a diagonal, elements
by their number in C order, and rows combined with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.errors import DTypeError, ShapeError, shown
from tenure.values.operations.arranging import movedim
from tenure.values.operations.at import AtIndex
from tenure.values.operations.axes import check_axis
from tenure.values.operations.reading import value_of
from tenure.values.operations.scattering import scatter_reduce
from tenure.values.operations.shaping import broadcast_to
from tenure.values.rules.sites import at_users_line
from tenure.values.trace.blame import public
from tenure.values.trace.given import flag, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

WAYS = ("prod", "mean", "amax", "amin")


def _replaced(name: str, x: Any, key: tuple[Any, ...], src: Any, shape: tuple[int, ...]) -> Tensor:
    """x with a part at an index, whose shape is that of the index."""
    if src._aval.shape != shape:
        raise ShapeError(f"{name}: src has shape {list(src._aval.shape)}, and the part that it replaces {list(shape)}")
    return at_users_line(AtIndex(x, key).set(src))


@public
def select_scatter(x: ArrayLike, src: ArrayLike, dim: int, index: int) -> Tensor:
    """x with ``src`` at one index of an axis, where ``select`` would read.

    OutOfRange (TN801) for an axis or an index that is not there, ShapeError (TN802) if src has another shape than
    what it replaces.

    >>> tn.select_scatter(tn.zeros(2, 2), tn.tensor([1.0, 2.0]), 0, 1)
    tensor([[0., 0.],
            [1., 2.]])
    """
    x, src = value_of(x), value_of(src)
    shape = x._aval.shape
    k = check_axis(dim, len(shape), "select_scatter: dim")
    at = check_axis(index, shape[k], "select_scatter: index")
    return _replaced("select_scatter", x, (*[slice(None)] * k, at), src, (*shape[:k], *shape[k + 1 :]))


@public
def slice_scatter(
    x: ArrayLike, src: ArrayLike, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """x with ``src`` at a slice of an axis, x[start:end:step] for axis 0; ends outside of the axis are its ends.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for a step below 1, or if src has another
    shape than what it replaces.

    >>> tn.slice_scatter(tn.zeros(4), tn.ones(2), start=0, end=4, step=2)
    tensor([1., 0., 1., 0.])
    """
    x, src = value_of(x), value_of(src)
    shape = x._aval.shape
    k = check_axis(dim, len(shape), "slice_scatter: dim")
    every = int_of(step, "slice_scatter: step")
    if every < 1:
        raise ShapeError(f"slice_scatter: a step of {every}, which is below 1")
    ends = [None if v is None else int_of(v, f"slice_scatter: {what}") for what, v in (("start", start), ("end", end))]
    taken = range(*slice(ends[0], ends[1], min(every, max(shape[k], 1))).indices(shape[k]))
    key = (*[slice(None)] * k, slice(taken.start, taken.stop, taken.step))
    return _replaced("slice_scatter", x, key, src, (*shape[:k], len(taken), *shape[k + 1 :]))


@public
def diagonal_scatter(x: ArrayLike, src: ArrayLike, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """x with ``src`` on a diagonal, ``offset`` above the main one, where ``diagonal`` would read.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for one axis twice, or if src has another
    shape than the diagonal, which is its last axis.

    >>> tn.diagonal_scatter(tn.zeros(2, 2), tn.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    x, src = value_of(x), value_of(src)
    shape, above = x._aval.shape, int_of(offset, "diagonal_scatter: the offset")
    j, k = (check_axis(v, len(shape), f"diagonal_scatter: {what}") for what, v in (("dim1", dim1), ("dim2", dim2)))
    if j == k:
        raise ShapeError(f"diagonal_scatter: a diagonal between axis {j} and itself")
    size = max(0, min(shape[j] - max(-above, 0), shape[k] - max(above, 0)))
    rest = tuple([n for axis, n in enumerate(shape) if axis not in (j, k)])
    if src._aval.shape != (*rest, size):
        raise ShapeError(
            f"diagonal_scatter: src has shape {list(src._aval.shape)}, and the diagonal {[*rest, size]}"
        )
    count = np.arange(size)
    front = AtIndex(movedim(x, (j, k), (0, 1)), (count + max(-above, 0), count + max(above, 0)))
    return at_users_line(movedim(front.set(movedim(src, -1, 0)), (0, 1), (j, k)))


@public
def put(x: ArrayLike, index: ArrayLike, source: ArrayLike, accumulate: bool = False) -> Tensor:
    """x with ``source`` at elements that ``index`` numbers in C order, or added there.

    Of equal indices the last in C order stands; added, all count (TN803). ShapeError (TN802) unless the source has an
    element for each index, DTypeError (TN802) unless the indices are whole; OutOfRange (TN801), when the result is
    read, for an index outside of x.

    >>> tn.put(tn.zeros(2, 2), tn.tensor([3, 0]), tn.tensor([5.0, 7.0]))
    tensor([[7., 0.],
            [0., 5.]])
    """
    x, index, source = value_of(x), value_of(index), value_of(source)
    if index._aval.dtype.kind not in "iu":
        raise DTypeError(f"put: indices of dtype {index._aval.dtype.name}", help="indices are whole numbers")
    if index._aval.size != source._aval.size:
        raise ShapeError(f"put: {source._aval.size} elements for {index._aval.size} indices")
    at = AtIndex(x.reshape(-1), index.reshape(-1))
    way = at.add if flag("put: accumulate", accumulate) else at.set
    return at_users_line(way(source.reshape(-1)).reshape(x._aval.shape))


@public
def index_reduce(
    x: ArrayLike, dim: int, index: ArrayLike, source: ArrayLike, reduce: str, *, include_self: bool = True
) -> Tensor:
    """x combined with ``source`` at a list of indices along an axis, a part for each: prod, mean, amax or amin.

    x is among what is combined unless ``include_self`` is False. ShapeError (TN802) if the source has another shape,
    DTypeError (TN802) for another ``reduce``; OutOfRange (TN801), when the result is read, for an index outside the
    axis.

    >>> tn.index_reduce(tn.ones(2), 0, tn.tensor([0, 0]), tn.tensor([5.0, 7.0]), "prod")
    tensor([35.,  1.])
    """
    x, index, source = value_of(x), value_of(index), value_of(source)
    shape, listed = x._aval.shape, index._aval.shape
    k = check_axis(dim, len(shape), "index_reduce: dim")
    if type(reduce) is not str or reduce not in WAYS:
        raise DTypeError(f"index_reduce: reduce is one of {', '.join(WAYS)}, not {shown(reduce)}")
    if len(listed) > 1:
        raise ShapeError(f"index_reduce: indices of shape {list(listed)}, where a list of them is wanted")
    wanted = (*shape[:k], index._aval.size, *shape[k + 1 :])
    if source._aval.shape != wanted:
        raise ShapeError(
            f"index_reduce: a source of shape {list(source._aval.shape)}, where {list(wanted)} is wanted",
            help=f"it has the shape of the tensor, with a part along axis {k} for each index",
        )
    along = index.reshape(-1, *[1] * (len(shape) - 1 - k))
    return scatter_reduce(x, k, broadcast_to(along, wanted), source, reduce, include_self=include_self)
