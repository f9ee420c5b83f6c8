"""Infinities, and numbers that are close to each other, elementwise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure import dtypes
from tenure.errors import DTypeError, following
from tenure.ops import complexes, pointwise
from tenure.ops.promote import Operation, as_type, common, floating, parameters
from tenure.values.native.hits import apply
from tenure.values.operations.elementary import unary
from tenure.values.operations.reading import value_of
from tenure.values.trace import record
from tenure.values.trace.given import flag, number
from tenure.values.trace.operators import recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

# mypy: disable-error-code="empty-body"


def _infinite(x: Any, sign: int = 0) -> Any:
    """Whether x is infinite, with a sign if one is given; whole numbers are not."""
    x = floating(x)
    size = pointwise.absolute(x) if sign == 0 else x * sign
    return pointwise.equal(size, size.coerce(math.inf))


def _finite(x: Any, *numbers: Any, given: tuple[bool, bool, bool]) -> Any:
    """The numbers are those that are given, of NaN, ∞ and −∞."""
    if x.dtype.is_complex:
        return complexes.each_part(lambda part: _finite(part, *numbers, given=given), x)
    if not x.dtype.is_floating:
        return x
    info, left = dtypes.finfo(x.dtype), iter(numbers)
    nan, high, low = [
        as_type(following(left), x.dtype) if here else x.coerce(otherwise)
        for here, otherwise in zip(given, (0.0, info.max, info.min), strict=True)
    ]
    ans = pointwise.where(pointwise.isnan(x), nan, x)
    ans = pointwise.where(_infinite(x, 1), high, ans)
    return pointwise.where(_infinite(x, -1), low, ans)


def _close(x: Any, y: Any, rtol: Any, atol: Any, *, equal_nan: bool) -> Any:
    """Whether |x − y| ≤ atol + rtol · |y|, or x = y; whole numbers are compared as float64."""
    x, y = common(x, y)
    same = pointwise.equal(x, y)
    if not x.dtype.has_gradient:
        x, y = as_type(x, dtypes.float64), as_type(y, dtypes.float64)
    bound = pointwise.absolute(y)
    bound = bound * as_type(rtol, bound.dtype) + as_type(atol, bound.dtype)
    near = pointwise.logical_and(pointwise.less_equal(pointwise.absolute(x - y), bound), pointwise.isfinite(y))
    found = pointwise.logical_or(same, near)
    if not equal_nan:
        return found
    return pointwise.logical_or(found, pointwise.logical_and(pointwise.isnan(x), pointwise.isnan(y)))


@recorded(unary(Operation("isinf", _infinite)))
def isinf(x: ArrayLike) -> Tensor:
    """Whether x is ∞ or -∞, elementwise, in the shape of x.

    Bools; whole numbers are never infinite.

    >>> tn.isinf(tn.tensor([0.0, float("inf")]))
    tensor([False,  True])
    """


@recorded(unary(Operation("isposinf", lambda x: _infinite(x, 1))))
def isposinf(x: ArrayLike) -> Tensor:
    """Whether x is ∞, elementwise, in the shape of x.

    Bools; whole numbers are never infinite.

    >>> tn.isposinf(tn.tensor([0.0, float("inf")]))
    tensor([False,  True])
    """


@recorded(unary(Operation("isneginf", lambda x: _infinite(x, -1))))
def isneginf(x: ArrayLike) -> Tensor:
    """Whether x is -∞, elementwise, in the shape of x.

    Bools; whole numbers are never infinite.

    >>> tn.isneginf(tn.tensor([0.0, float("-inf")]))
    tensor([False,  True])
    """


FINITE = Operation("nan_to_num", _finite)


def nan_to_num(
    x: ArrayLike, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """x with its NaN and infinities replaced by numbers, from which no gradient goes on.

    An infinity whose number is left out becomes the largest, or the least, of the dtype. Shape and dtype are those
    of x.

    >>> tn.nan_to_num(tn.tensor([1.0, float("nan")]))
    tensor([1., 0.])
    """
    numbers = (("nan", nan), ("posinf", posinf), ("neginf", neginf))
    given = tuple([v is not None for _, v in numbers])
    scalars = tuple([_plain("nan_to_num", name, v) for name, v in numbers if v is not None])
    return apply(FINITE, (value_of(x),), parameters(("given",), given), scalars)


def _plain(name: str, argument: str, x: Any) -> float:
    """Argument as a Python float; TN802 for anything else."""
    x = number(name, argument, x)
    if isinstance(x, record._Tensor):
        raise DTypeError(f"{name}: {argument} is a Python number, not a tensor")
    return float(x)


CLOSE = Operation("isclose", _close)


def isclose(x: ArrayLike, y: ArrayLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether |x - y| ≤ atol + rtol · |y|, or x = y, elementwise; with ``equal_nan`` two NaN are close too.

    The shapes broadcast together, else ShapeError (TN802).

    >>> tn.isclose(tn.tensor([1.0, 2.0]), tn.tensor([1.000001, 2.1]))
    tensor([ True, False])
    """
    numbers = _plain("isclose", "rtol", rtol), _plain("isclose", "atol", atol)
    equal_nan = flag("isclose: equal_nan", equal_nan)
    return apply(CLOSE, (value_of(x), value_of(y)), parameters(("equal_nan",), equal_nan), numbers)


def allclose(x: ArrayLike, y: ArrayLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements of x and y are close, as ``isclose`` says: a Python bool, so it computes them.

    >>> tn.allclose(tn.tensor([1.0, 2.0]), tn.tensor([1.000001, 2.0]))
    True
    """
    return bool(isclose(x, y, rtol, atol, equal_nan).all().item())
