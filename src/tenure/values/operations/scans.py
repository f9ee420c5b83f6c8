"""Scans: reductions of all beginnings of an axis. ``dim`` is accepted for ``axis``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from tenure.dtypes import DTypeLike, as_dtype
from tenure.errors import ShapeError
from tenure.ops import totals
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply_one
from tenure.values.operations.axes import check_dim, one_of
from tenure.values.operations.factories import ones, zeros
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import concat
from tenure.values.rules.sites import at_users_line
from tenure.values.trace.blame import public
from tenure.values.trace.given import flag
from tenure.values.trace.operators import recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

# mypy: disable-error-code="empty-body"

CUMSUM = Operation("cumsum", totals.scanned, "CumsumBackward0")
CUMPROD = Operation("cumprod", totals.scanned, "CumprodBackward0")
CUMMAX = Operation("cummax", totals.extremes, "CummaxBackward0")
CUMMIN = Operation("cummin", totals.extremes, "CumminBackward0")
LOGCUMSUMEXP = Operation("logcumsumexp", totals.logcumsumexp, "LogcumsumexpBackward0")


def along(name: str, x: Any, axis: Any, dim: Any) -> tuple[Any, int]:
    """x and an axis of it: the only one, where none is given; a number is a list of one for 0 and -1."""
    x, axis = value_of(x), one_of(axis, dim)
    shape = x._aval.shape
    if axis is None:
        if len(shape) > 1:
            raise ShapeError(f"{name} along which of {len(shape)} axes?", help="give axis=…")
        return x, 0
    return x, check_dim(axis, len(shape))


def _scan(fn: Operation, operation: str) -> Callable[..., Tensor]:
    def step(
        x: Any, axis: int | None = None, *, dtype: DTypeLike | None = None, dim: int | None = None
    ) -> Tensor:
        x, at = along(fn.name, x, axis, dim)
        names, values = ("operation", "axis"), (operation, at)
        if dtype is None:
            return apply_one(fn, x, parameters(names, *values))
        return apply_one(fn, x, parameters((*names, "dtype"), *values, as_dtype(dtype)))

    return step


@recorded(_scan(CUMSUM, "add"))
def cumsum(
    x: ArrayLike, axis: int | None = None, *, dtype: DTypeLike | None = None, dim: int | None = None
) -> Tensor:
    """The sums of all beginnings of an axis, in the shape of x: the first element, the first two, …, all.

    bool and int32 are summed in int64. The axis may be left out if there is one: else ShapeError (TN802). OutOfRange
    (TN801) for an axis that is not there.

    >>> tn.cumsum(tn.tensor([[1, 2, 3], [4, 5, 6]]), 1)
    tensor([[ 1,  3,  6],
            [ 4,  9, 15]])
    """


@recorded(_scan(CUMPROD, "multiply"))
def cumprod(
    x: ArrayLike, axis: int | None = None, *, dtype: DTypeLike | None = None, dim: int | None = None
) -> Tensor:
    """The products of all beginnings of an axis, in the shape of x: the first element, the first two, …, all.

    bool and int32 are multiplied in int64. The gradient is right where elements are zero, at any order. The axis may be
    left out if there is one: else ShapeError (TN802). OutOfRange (TN801) for an axis that is not there.

    >>> tn.cumprod(tn.tensor([1, 2, 3, 4]), 0)
    tensor([ 1,  2,  6, 24])
    """


def logcumsumexp(x: ArrayLike, axis: int | None = None, *, dim: int | None = None) -> Tensor:
    """The logarithms of the sums of exponentials of all beginnings of an axis, without overflow in between.

    Whole numbers become the default float. The axis may be left out if there is one: else ShapeError (TN802).
    OutOfRange (TN801) for an axis that is not there.

    >>> tn.logcumsumexp(tn.tensor([100.0, 100.0]), 0)
    tensor([100.0000, 100.6931])
    """
    x, at = along("logcumsumexp", x, axis, dim)
    return apply_one(LOGCUMSUMEXP, x, parameters(("axis",), at))


class CumulativeExtremum(NamedTuple):
    """The extremes of all beginnings of an axis, and their indices (int64): the result of ``cummax`` and ``cummin``."""

    values: Tensor
    indices: Tensor


def _extreme(fn: Operation, operation: str) -> Callable[..., CumulativeExtremum]:
    def step(x: Any, axis: int | None = None, *, dim: int | None = None) -> CumulativeExtremum:
        x, at = along(fn.name, x, axis, dim)
        found: Any = apply_one(fn, x, parameters(("operation", "axis"), operation, at))
        return CumulativeExtremum(*found)

    return step


@recorded(_extreme(CUMMAX, "max"))
def cummax(x: ArrayLike, axis: int | None = None, *, dim: int | None = None) -> CumulativeExtremum:
    """The largest elements of all beginnings of an axis: a pair (values, indices) in the shape of x, as in PyTorch.

    The last of equals is taken, and gets the gradient; NaN from the first NaN on. The axis may be left out if there is
    one: else ShapeError (TN802). OutOfRange (TN801) for an axis that is not there.

    >>> tn.cummax(tn.tensor([1, 3, 2, 3]), 0).values
    tensor([1, 3, 3, 3])
    >>> tn.cummax(tn.tensor([1, 3, 2, 3]), 0).indices
    tensor([0, 1, 1, 3])
    """


@recorded(_extreme(CUMMIN, "min"))
def cummin(x: ArrayLike, axis: int | None = None, *, dim: int | None = None) -> CumulativeExtremum:
    """The smallest elements of all beginnings of an axis: a pair (values, indices) as of ``tn.cummax``.

    >>> tn.cummin(tn.tensor([3, 1, 2, 1]), 0).values
    tensor([3, 1, 1, 1])
    """


def _cumulative(name: str, fn: Callable[..., Tensor], start: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def step(
        x: Any,
        axis: int | None = None,
        *,
        dtype: DTypeLike | None = None,
        include_initial: bool = False,
        dim: int | None = None,
    ) -> Tensor:
        x, at = along(name, x, axis, dim)
        shape = x._aval.shape
        if not shape:
            raise ShapeError(f"{name} of a 0-dimensional tensor, which has no axis")
        found = at_users_line(fn(x, at, dtype=dtype))
        if not flag(f"{name}: include_initial", include_initial):
            return found
        first = start((*shape[:at], 1, *shape[at + 1 :]), dtype=found._aval.dtype)
        return at_users_line(concat([first, found], at))

    step.__name__ = name
    return public(step)


@recorded(_cumulative("cumulative_sum", cumsum, zeros))
def cumulative_sum(
    x: ArrayLike,
    axis: int | None = None,
    *,
    dtype: DTypeLike | None = None,
    include_initial: bool = False,
    dim: int | None = None,
) -> Tensor:
    """The sums of all beginnings of an axis, under the array API's name; with ``include_initial`` from 0 on.

    See ``tn.cumsum``. ShapeError (TN802) for a 0-dimensional x.

    >>> tn.cumulative_sum(tn.tensor([1, 2, 3]), include_initial=True)
    tensor([0, 1, 3, 6])
    """


@recorded(_cumulative("cumulative_prod", cumprod, ones))
def cumulative_prod(
    x: ArrayLike,
    axis: int | None = None,
    *,
    dtype: DTypeLike | None = None,
    include_initial: bool = False,
    dim: int | None = None,
) -> Tensor:
    """The products of all beginnings of an axis, under the array API's name; with ``include_initial`` from 1 on.

    See ``tn.cumprod``. ShapeError (TN802) for a 0-dimensional x.

    >>> tn.cumulative_prod(tn.tensor([1, 2, 3]), include_initial=True)
    tensor([1, 1, 2, 6])
    """
