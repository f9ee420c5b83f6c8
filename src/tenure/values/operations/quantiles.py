"""Middle elements, quantiles and most frequent elements."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

from tenure.errors import DTypeError, shown
from tenure.ops import sorting
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations.axes import kept, one_of
from tenure.values.operations.boundary import array_alone
from tenure.values.operations.creation import tensor
from tenure.values.operations.reading import value_of
from tenure.values.operations.sorting import Ordered, nonempty, rows_of
from tenure.values.trace.given import flag
from tenure.values.trace.operators import recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

# mypy: disable-error-code="empty-body"

MEDIAN = Operation("median", sorting.median, "MedianBackward1")
MEDIAN_OF_ALL = Operation("median", sorting.median_of_all, "MedianBackward0")
NANMEDIAN = Operation("nanmedian", sorting.median, "NanmedianBackward1")
NANMEDIAN_OF_ALL = Operation("nanmedian", sorting.median_of_all, "NanmedianBackward0")
MODE = Operation("mode", sorting.mode, "ModeBackward0")
QUANTILE = Operation("quantile", sorting.quantile)
QUANTILES = Operation("quantile", sorting.quantiles)
NANQUANTILES = Operation("nanquantile", sorting.quantiles)
WAYS = ("linear", "lower", "higher", "midpoint", "nearest")


def _median(along: Operation, of_all: Operation, leaves_out: bool) -> Callable[..., Tensor | Ordered]:
    def step(x: Any, dim: int | None = None, keepdim: bool = False) -> Tensor | Ordered:
        if dim is None:
            x = value_of(x).reshape(-1)
            nonempty(along.name, x, 0)
            return apply_one(of_all, x, parameters(("leaves_out",), leaves_out))
        rows, k, single = rows_of(x, dim)
        nonempty(along.name, rows, k)
        keeps = flag("keepdim", keepdim) and not single
        return Ordered(*apply_one(along, rows, parameters(("axis", "keepdims", "leaves_out"), k, keeps, leaves_out)))

    return step


@overload
def median(x: ArrayLike) -> Tensor: ...
@overload
def median(x: ArrayLike, dim: int, keepdim: bool = False) -> Ordered: ...
@recorded(_median(MEDIAN, MEDIAN_OF_ALL, False))
def median(x: ArrayLike, dim: int | None = None, keepdim: bool = False) -> Tensor | Ordered:
    """The middle element in order, of two the lower, as in PyTorch; along an axis with its index.

    NaN if there is one. Along an axis the gradient goes to that element, else in equal parts to all that are equal to
    it. OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for no elements.

    >>> x = tn.tensor([[1, 5, 3, 4]])
    >>> tn.median(x), tn.median(x, dim=1)
    (tensor(3), Ordered(values=tensor([3]), indices=tensor([2])))
    """


@overload
def nanmedian(x: ArrayLike) -> Tensor: ...
@overload
def nanmedian(x: ArrayLike, dim: int, keepdim: bool = False) -> Ordered: ...
@recorded(_median(NANMEDIAN, NANMEDIAN_OF_ALL, True))
def nanmedian(x: ArrayLike, dim: int | None = None, keepdim: bool = False) -> Tensor | Ordered:
    """The middle element in order of those that are not NaN; NaN if all are. See ``tn.median``.

    >>> tn.nanmedian(tn.tensor([1.0, float("nan"), 3.0]))
    tensor(1.)
    """


def mode(x: ArrayLike, dim: int = -1, keepdim: bool = False) -> Ordered:
    """The most frequent element along an axis, of several the smallest, and an index of it, as in PyTorch.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for no elements.

    >>> tn.mode(tn.tensor([3, 1, 2, 3]))
    Ordered(values=tensor(3), indices=tensor(3))
    """
    rows, k, single = rows_of(x, dim)
    nonempty("mode", rows, k)
    keeps = flag("keepdim", keepdim) and not single
    return Ordered(*apply_one(MODE, rows, parameters(("axis", "keepdims"), k, keeps)))


def _positions(name: str, q: Any, way: str) -> Any:
    """Quantiles asked for: a Python number, or a tensor of float64 with none outside [0, 1] as far as it is known."""
    if type(way) is not str or way not in WAYS:
        raise DTypeError(f"{name}: interpolation is one of {', '.join(WAYS)}, not {shown(way)}")
    if type(q) in (int, float):
        if not 0 <= q <= 1:
            raise ValueError(f"{name}: q lies between 0 and 1, and {q} does not")
        return q
    value = value_of(q)
    dtype = value._aval.dtype
    if not (dtype.is_floating or dtype.kind in "iu") or len(value._aval.shape) > 1:
        raise DTypeError(f"{name}: q is a number or a list of them, not {value._aval}")
    if value._kind.tracked or value._kind.level is not None:
        return value
    for number in array_alone(value).reshape(-1).tolist():
        _positions(name, float(number), way)
    return value


def _quantile(several: Operation, leaves_out: bool) -> Callable[..., Tensor]:
    name = several.name

    def step(
        x: Any,
        q: Any,
        dim: int | None = None,
        keepdim: bool = False,
        *,
        interpolation: str = "linear",
        axis: int | None = None,
        keepdims: bool = False,
    ) -> Tensor:
        q, at, keeps = _positions(name, q, interpolation), one_of(axis, dim), kept(keepdims, keepdim)
        x = value_of(x)
        if not x._aval.dtype.is_floating:
            raise DTypeError(f"{name} of {x._aval.dtype.name}", help=f"cast first: tn.{name}(x.to(tn.float32), q)")
        shape = x._aval.shape
        rows, k, single = (x.reshape(-1), 0, True) if at is None else rows_of(x, at)
        nonempty(name, rows, k)
        inside = keeps and not single
        if type(q) in (int, float) and not leaves_out:
            place = _numbers(q, rows._aval.shape[k], interpolation)
            found = apply(QUANTILE, (rows,), parameters(AXES, k, inside), place)
            return found.reshape((1,) * len(shape)) if keeps and single else found
        q = value_of(q) if type(q) not in (int, float) else tensor(float(q), dtype="float64")
        given = parameters((*AXES, "leaves_out", "way"), k, inside, leaves_out, interpolation)
        found = apply(several, (rows, q), given)
        return found.reshape((*q._aval.shape, *[1] * len(shape))) if keeps and single else found

    return step


AXES = ("axis", "keepdims")


def _numbers(q: float, n: int, way: str) -> tuple[int, float]:
    """The place of the first of two neighbours among n elements, and how much of the way to the next a quantile is."""
    at = q * (n - 1)
    if way == "nearest":
        at = round(at)
    elif way == "higher":
        at = math.ceil(at)
    low = math.floor(at)
    part = at - low if way == "linear" else 0.5 * (at != low) if way == "midpoint" else 0.0
    start = min(low, max(n - 2, 0))
    return start, float(low - start + part)


@recorded(_quantile(QUANTILES, False))
def quantile(
    x: ArrayLike,
    q: ArrayLike,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The quantiles of x along an axis, of all elements without one: those of a list ``q`` along a new axis in front.

    q·(n − 1) is a place in order. Between two elements the number is ``linear`` between them, the ``lower``, the
    ``higher``, their ``midpoint`` or the ``nearest`` (halves to even). NaN if there is one. DTypeError (TN802) unless
    x is floating; OutOfRange (TN801) for an axis that is not there; ValueError for a q outside [0, 1], which is read
    unless a gradient flows to it.

    >>> x = tn.tensor([1.0, 2.0, 3.0, 4.0])
    >>> tn.quantile(x, 0.5), tn.quantile(x, tn.tensor([0.0, 1.0]))
    (tensor(2.5000), tensor([1., 4.]))
    """


@recorded(_quantile(NANQUANTILES, True))
def nanquantile(
    x: ArrayLike,
    q: ArrayLike,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    axis: int | None = None,
    keepdims: bool = False,
) -> Tensor:
    """The quantiles of the elements that are not NaN; NaN where all are. See ``tn.quantile``.

    >>> tn.nanquantile(tn.tensor([1.0, float("nan"), 3.0]), 0.5)
    tensor(2.)
    """
