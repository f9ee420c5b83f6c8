"""Search in sorted numbers, and numbers counted by value."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import histograms, sorting
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply
from tenure.values.operations import indexing
from tenure.values.operations.boundary import array_alone
from tenure.values.operations.creation import tensor
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import check_shape, flag, int_of, number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Number

SEARCH = Operation("searchsorted", sorting.found_among)
COUNTS = Operation("bincount", histograms.counts)
HISTC = Operation("histc", histograms.equal_bins)
HISTOGRAM = Operation("histogram", histograms.histogram)
UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
EDGES = Operation("histogram", histograms.edges)


def _behind(name: str, right: Any, side: Any) -> bool:
    """Whether equals are passed over, by either argument."""
    if side is None:
        return flag(f"{name}: right", right)
    if type(side) is not str or side not in ("left", "right"):
        raise DTypeError(f'{name}: side is "left" or "right", not {shown(side)}')
    if right and side == "left":
        raise ValueError(f'{name}: side="left" and right=True say the opposite of each other')
    return side == "right"


def _numbers(x: Any) -> Any:
    """Numbers as a tensor."""
    return tensor(x) if type(x) in (bool, int, float) else value_of(x)


def searchsorted(
    sorted_sequence: ArrayLike,
    values: ArrayLike,
    *,
    side: str | None = None,
    right: bool = False,
    sorter: ArrayLike | None = None,
    out_int32: bool = False,
) -> Tensor:
    """The indices (int64) at which values would go into a sorted list so that it stays sorted, before what is equal.

    With ``side="right"`` or ``right=True`` behind it. A list of lists has one for each row of the values. ``sorter``
    has the indices that sort it. NaN goes behind all numbers. ShapeError (TN802) unless the axes but the last agree.

    >>> tn.searchsorted(tn.tensor([1, 3, 5]), tn.tensor([3, 6]))
    tensor([1, 3])
    """
    known, x = value_of(sorted_sequence), _numbers(values)
    behind = _behind("searchsorted", right, side)
    shape, other = known._aval.shape, x._aval.shape
    if not shape or (len(shape) > 1 and shape[:-1] != other[:-1]):
        raise ShapeError(f"searchsorted: a sorted tensor of shape {list(shape)} for values of shape {list(other)}")
    given = [known, x]
    if sorter is not None:
        order = value_of(sorter)
        if order._aval.shape != shape or order._aval.dtype.kind not in "iu":
            raise ShapeError(f"searchsorted: a sorter of {order._aval} for a sorted tensor of shape {list(shape)}")
        given.append(order)
    return apply(SEARCH, tuple(given), parameters(("behind", "narrow"), behind, flag("out_int32", out_int32)))


def bucketize(
    x: ArrayLike, boundaries: ArrayLike, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """The number (int64) of boundaries, a sorted list, that are below each element; with ``right`` also those equal.

    ShapeError (TN802) for boundaries of more than one axis.

    >>> tn.bucketize(tn.tensor([0, 3, 9]), tn.tensor([1, 3, 5]))
    tensor([0, 1, 3])
    """
    known = value_of(boundaries)
    if len(known._aval.shape) != 1:
        raise ShapeError(f"bucketize: boundaries of shape {list(known._aval.shape)}, where a list is wanted")
    return searchsorted(known, x, right=right, out_int32=out_int32)


def _largest(numbers: Any) -> int:
    """The largest of whole numbers, of which none is negative: a negative one would be a large one without a sign."""
    if numbers.dtype.kind != "i":
        return int(numbers.max())
    high = int(np.maximum.reduce(numbers.view(UNSIGNED[numbers.itemsize])))
    if high >> 8 * numbers.itemsize - 1:
        raise ShapeError(f"bincount: a number is negative: {numbers.min()}")
    return high


def bincount(x: ArrayLike, weights: ArrayLike | None = None, minlength: int = 0) -> Tensor:
    """The number of times (int64) that each whole number from 0 on is in a list; with weights the sum of theirs.

    The result has at least ``minlength`` elements. Reads x, on whose largest element their number depends. ShapeError
    (TN802) unless x is a list of numbers that are not negative, DTypeError (TN802) unless they are whole.

    >>> tn.bincount(tn.tensor([1, 3, 1]))
    tensor([0, 2, 0, 1])
    """
    x, least = value_of(x), int_of(minlength, "bincount: minlength")
    if x._aval.dtype.kind not in "biu":
        raise DTypeError(f"bincount of {x._aval.dtype.name}", help="whole numbers are counted")
    if len(x._aval.shape) != 1 or least < 0:
        raise ShapeError(f"bincount of shape {list(x._aval.shape)}, at least {least} numbers: a list is wanted")
    given = [x]
    if weights is not None:
        given.append(value_of(weights))
        if given[1]._aval.shape != x._aval.shape:
            raise ShapeError(f"bincount: weights of shape {list(given[1]._aval.shape)} for {x._aval.size} numbers")
    size = least
    if x._aval.size:
        (size,) = check_shape((max(least, _largest(array_alone(x)) + 1),))
    return apply(COUNTS, tuple(given), parameters(("size",), size))


def _range(name: str, argument: str, low: Any, high: Any) -> tuple[float, float]:
    """The ends of a range of bins."""
    low, high = (float(number(name, f"an end of {argument}", x)) for x in (low, high))
    if not (abs(low) < float("inf") and abs(high) < float("inf") and low <= high):
        raise ValueError(f"{name}: bins from {low} to {high}")
    return low, high


def _bins(name: str, bins: Any) -> int:
    count = int_of(bins, f"{name}: bins")
    if count < 1:
        raise ShapeError(f"{name} of {count} bins")
    if count > sys.maxsize // 8:
        raise ShapeError(f"{name} of {count} bins, more than memory has addresses for")
    return count


def histc(x: ArrayLike, bins: int = 100, min: Number = 0, max: Number = 0) -> Tensor:
    """The numbers of elements in bins of one width from ``min`` to ``max``, in the dtype of x, as in PyTorch.

    From the least to the largest element where both ends are equal; all are NaN if these are not finite. Else elements
    outside do not count, NaN neither. DTypeError (TN802) unless x is floating, ShapeError (TN802) without a bin.

    >>> tn.histc(tn.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    x = value_of(x)
    if not x._aval.dtype.is_floating:
        raise DTypeError(f"histc of {x._aval.dtype.name}", help="cast first: tn.histc(x.to(tn.float32))")
    low, high = _range("histc", "min … max", min, max)
    names = ("bins", "fitted")
    return apply(HISTC, (x,), parameters(names, _bins("histc", bins), low == high), (low, high))


class Histogram(NamedTuple):
    """The numbers of elements in bins, and the edges of these: the result of ``histogram``."""

    hist: Tensor
    bin_edges: Tensor


def histogram(
    x: ArrayLike,
    bins: int | ArrayLike,
    *,
    range: Sequence[float] | None = None,
    weight: ArrayLike | None = None,
    density: bool = False,
) -> Histogram:
    """The numbers of elements of x, in its dtype, between neighbouring edges, and the edges, as in PyTorch.

    ``bins`` are the edges, in order, or their number less one, which are evenly from one end of ``range`` to the other
    (of x without it). A bin has its lower edge, the last one the upper one too. ``weight`` counts each element so
    often; with ``density`` the numbers are parts of all by the width of a bin. DTypeError (TN802) unless x is
    floating, ShapeError (TN802) without a bin.

    >>> tn.histogram(tn.tensor([1.0, 2.0, 1.0]), 4, range=(0.0, 4.0))
    Histogram(hist=tensor([0., 2., 1., 0.]), bin_edges=tensor([0., 1., 2., 3., 4.]))
    """
    x = value_of(x)
    _real("histogram", x)
    edges = _edges("histogram", x, bins, range)
    return Histogram(_hist("histogram", x.reshape(-1, 1), [edges], x._aval.shape, weight, density), edges)


class HistogramDD(NamedTuple):
    """The numbers of points in boxes, and the edges of these along each axis: the result of ``histogramdd``."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]


def histogramdd(
    x: ArrayLike,
    bins: int | Sequence[int] | Sequence[ArrayLike],
    *,
    range: Sequence[float] | None = None,
    weight: ArrayLike | None = None,
    density: bool = False,
) -> HistogramDD:
    """The numbers of points, whose coordinates are along the last axis of x, in boxes, and the edges, as in PyTorch.

    ``bins`` are those of ``histogram`` for each coordinate, or one number for all; ``range`` has both ends of each.
    DTypeError (TN802) unless x is floating, ShapeError (TN802) without a bin or a coordinate.

    >>> tn.histogramdd(tn.tensor([[0.0, 1.0], [1.0, 1.0]]), (2, 1), range=(0.0, 2.0, 0.0, 1.0)).hist
    tensor([[1.],
            [1.]])
    """
    x = value_of(x)
    _real("histogramdd", x)
    if len(x._aval.shape) < 2 or not x._aval.shape[-1]:
        raise ShapeError(f"histogramdd of shape {list(x._aval.shape)}: the last axis has the coordinates of points")
    count = x._aval.shape[-1]
    given = list(bins) if isinstance(bins, tuple | list) else [bins] * count
    if len(given) != count:
        raise ShapeError(f"histogramdd: bins for {len(given)} coordinates of {count}")
    if range is not None and (not isinstance(range, tuple | list) or len(range) != 2 * count):
        raise DTypeError(f"histogramdd: range is two numbers for each coordinate, not {shown(range)}")
    points = x.reshape(-1, count)
    edges = [
        _edges("histogramdd", points[:, k], along, None if range is None else (range[2 * k], range[2 * k + 1]))
        for k, along in enumerate(given)
    ]
    return HistogramDD(_hist("histogramdd", points, edges, x._aval.shape[:-1], weight, density), tuple(edges))


def _real(name: str, x: Any) -> None:
    if not x._aval.dtype.is_floating:
        raise DTypeError(f"{name} of {x._aval.dtype.name}", help=f"cast first: tn.{name}(x.to(tn.float32), bins)")


def _edges(name: str, x: Any, bins: Any, ends: Any) -> Any:
    """The edges of bins, given or made."""
    if indexing.is_int(bins):
        if ends is not None and (not isinstance(ends, tuple | list) or len(ends) != 2):
            raise DTypeError(f"{name}: range is a pair of numbers, not {shown(ends)}")
        low, high = (0.0, 0.0) if ends is None else _range(name, "range", *ends)
        return apply(EDGES, (x,), parameters(("bins", "fitted"), _bins(name, bins), ends is None), (low, high))
    edges = value_of(bins)
    if len(edges._aval.shape) != 1 or edges._aval.size < 2 or edges._aval.dtype is not x._aval.dtype:
        raise ShapeError(f"{name}: edges of {edges._aval} for a tensor of {x._aval.dtype.name}")
    return edges


def _hist(name: str, points: Any, edges: list[Any], shape: Any, weight: Any, density: Any) -> Any:
    """The numbers of points between edges."""
    given = [points, *edges]
    if weight is not None:
        given.append(value_of(weight))
        if given[-1]._aval.shape != shape:
            raise ShapeError(f"{name}: weights of shape {list(given[-1]._aval.shape)} for {list(shape)}")
    return apply(HISTOGRAM, tuple(given), parameters(("axes", "density"), len(edges), flag("density", density)))
