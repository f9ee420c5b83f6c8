"""Differences of neighbours along an axis, and sums of trapezoids between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, ShapeError
from tenure.ops import totals
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations.axes import check_axis, one_of
from tenure.values.operations.reading import value_of
from tenure.values.operations.scans import cumsum
from tenure.values.operations.shaping import broadcast_to, concat
from tenure.values.rules.sites import at_users_line
from tenure.values.trace.blame import public
from tenure.values.trace.given import int_of, number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

DIFF = Operation("diff", totals.difference, "DiffBackward0")
AREAS = Operation("trapezoid", totals.areas)


@public
def diff(
    x: ArrayLike,
    n: int = 1,
    axis: int | None = None,
    prepend: ArrayLike | None = None,
    append: ArrayLike | None = None,
    *,
    dim: int | None = None,
) -> Tensor:
    """Each element less the one before it along an axis (the last by default), ``n`` times over.

    ``prepend`` and ``append`` are joined to x before, if n is not 0; a number is one element. Of bools the result says
    whether neighbours differ. ShapeError (TN802) for a negative n or a 0-dimensional x; OutOfRange (TN801) for an axis
    that is not there.

    >>> tn.diff(tn.tensor([1, 4, 9])), tn.diff(tn.tensor([1, 4, 9]), prepend=0)
    (tensor([3, 5]), tensor([1, 3, 5]))
    """
    whole, at = _along("diff", x, one_of(axis, dim))
    times = int_of(n, "diff: n")
    if times < 0:
        raise ShapeError(f"diff: n is not negative: {times}")
    shape = whole._aval.shape
    ends = [None if end is None else _end(end, shape, at) for end in (prepend, append)]
    joined = [end for end in (ends[0], whole, ends[1]) if end is not None and times]
    whole = at_users_line(concat(joined, at)) if len(joined) > 1 else whole
    params = parameters(("axis", "times"), at, min(times, whole._aval.shape[at]))
    return at_users_line(apply_one(DIFF, whole, params))


def _end(end: Any, shape: tuple[int, ...], at: int) -> Tensor:
    """The tensor that is joined to one end: a number is one element, broadcast along the other axes."""
    end = value_of(end)
    return end if end._aval.shape else broadcast_to(end, (*shape[:at], 1, *shape[at + 1 :]))


def _along(name: str, x: Any, axis: Any) -> tuple[Any, int]:
    """x and an axis of it, the last by default."""
    x = value_of(x)
    ndim = len(x._aval.shape)
    if not ndim:
        raise ShapeError(f"{name} of a 0-dimensional tensor, which has no axis")
    return x, check_axis(-1 if axis is None else axis, ndim)


def _areas(name: str, y: Any, x: Any, dx: Any, axis: Any) -> tuple[Tensor, int]:
    """The trapezoids between neighbours, and their axis."""
    y, at = _along(name, y, axis)
    params = (("axis", at),)
    if x is None:
        width = 1.0 if dx is None else number(name, "dx", dx)
        if isinstance(width, int | float):
            return at_users_line(apply_one(AREAS, y, params, float(width))), at
        raise DTypeError(f"{name}: dx is a Python number, not a tensor", help="places of their own are x=…")
    if dx is not None:
        raise TypeError(f"{name}: x and dx both say how far apart the values are: give one of them")
    x, ndim = value_of(x), len(y._aval.shape)
    shape = x._aval.shape
    if len(shape) == 1:
        x = x.reshape(-1, *[1] * (ndim - 1 - at))
    elif len(shape) < ndim:
        x = x.reshape(*[1] * (ndim - len(shape)), *shape)
    size, count = x._aval.shape[at - ndim] if shape else 1, y._aval.shape[at]
    if not shape or (size != count and 1 not in (size, count)) or (size == 1) != (count == 1):
        raise ShapeError(f"{name}: places of shape {list(shape)} for {count} values along axis {at}")
    return at_users_line(apply(AREAS, (y, diff(x, 1, at - ndim)), params)), at


@public
def trapezoid(
    y: ArrayLike,
    x: ArrayLike | None = None,
    *,
    dx: float | None = None,
    axis: int | None = None,
    dim: int | None = None,
) -> Tensor:
    """The integral along an axis (the last by default) by the trapezoidal rule. Also called ``trapz``.

    The values are ``dx`` (1 by default) apart, or at the places x: a list, or a tensor that broadcasts with y. Whole
    numbers become the default float. ShapeError (TN802) for another number of places, or a 0-dimensional y.

    >>> tn.trapezoid(tn.tensor([1.0, 2.0, 3.0])), tn.trapezoid(tn.tensor([1.0, 2.0]), tn.tensor([0.0, 3.0]))
    (tensor(4.), tensor(4.5000))
    """
    found, at = _areas("trapezoid", y, x, dx, one_of(axis, dim))
    return at_users_line(found.sum(at))



@public
def cumulative_trapezoid(
    y: ArrayLike,
    x: ArrayLike | None = None,
    *,
    dx: float | None = None,
    axis: int | None = None,
    dim: int | None = None,
) -> Tensor:
    """The integrals from the first value to each other along an axis, by the trapezoidal rule; see ``tn.trapezoid``.

    The axis is one shorter than that of y.

    >>> tn.cumulative_trapezoid(tn.tensor([1.0, 2.0, 3.0]))
    tensor([1.5000, 4.0000])
    """
    found, at = _areas("cumulative_trapezoid", y, x, dx, one_of(axis, dim))
    return at_users_line(cumsum(found, at))
