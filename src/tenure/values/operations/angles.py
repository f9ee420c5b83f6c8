"""Trigonometric and hyperbolic functions, their inverses, exponentials and logarithms to other bases, elementwise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.ops import angles, pointwise
from tenure.ops.promote import Operation, common, elementary, floating
from tenure.values.operations.elementary import unary
from tenure.values.trace.operators import binary, recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Operand

# mypy: disable-error-code="empty-body"


def of_reals(name: str, function: Any, grad_name: str | None = None) -> Operation:
    """Operation on two promoted operands; whole numbers become the default float."""
    return Operation(name, lambda x, y: function(*map(floating, common(x, y))), grad_name)


def _log_of_powers(x: Any, y: Any) -> Any:
    """The logarithm to the base 2 of 2ˣ + 2ʸ."""
    return angles.logaddexp(x * math.log(2), y * math.log(2)) * (1 / math.log(2))


@recorded(unary(elementary("tan", angles.tan, "")))
def tan(x: ArrayLike) -> Tensor:
    """Elementwise tangent of x in radians.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.tan(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """


@recorded(unary(elementary("asin", angles.asin, "")))
def asin(x: ArrayLike) -> Tensor:
    """Elementwise inverse sine, in radians from -π/2 to π/2; NaN beyond 1.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.asin(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """


@recorded(unary(elementary("acos", angles.acos, "")))
def acos(x: ArrayLike) -> Tensor:
    """Elementwise inverse cosine, in radians from 0 to π; NaN beyond 1.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.acos(tn.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """


@recorded(unary(elementary("atan", angles.atan, "")))
def atan(x: ArrayLike) -> Tensor:
    """Elementwise inverse tangent, in radians from -π/2 to π/2.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.atan(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """


@recorded(unary(elementary("sinh", angles.sinh, "")))
def sinh(x: ArrayLike) -> Tensor:
    """Elementwise hyperbolic sine.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.sinh(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """


@recorded(unary(elementary("cosh", angles.cosh, "")))
def cosh(x: ArrayLike) -> Tensor:
    """Elementwise hyperbolic cosine.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.cosh(tn.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """


@recorded(unary(elementary("asinh", angles.asinh, "")))
def asinh(x: ArrayLike) -> Tensor:
    """Elementwise inverse hyperbolic sine.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.asinh(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """


@recorded(unary(elementary("acosh", angles.acosh, "")))
def acosh(x: ArrayLike) -> Tensor:
    """Elementwise inverse hyperbolic cosine; NaN below 1.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.acosh(tn.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """


@recorded(unary(elementary("atanh", angles.atanh, "")))
def atanh(x: ArrayLike) -> Tensor:
    """Elementwise inverse hyperbolic tangent; ±∞ at ±1, NaN beyond.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.atanh(tn.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """


@recorded(unary(elementary("exp2", angles.exp2, "")))
def exp2(x: ArrayLike) -> Tensor:
    """Elementwise power of two, 2 to the x.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.exp2(tn.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """


@recorded(unary(elementary("log2", angles.log2, "")))
def log2(x: ArrayLike) -> Tensor:
    """Elementwise logarithm to the base 2; -∞ at 0, NaN below it.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.log2(tn.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """


@recorded(unary(elementary("log10", angles.log10, "")))
def log10(x: ArrayLike) -> Tensor:
    """Elementwise logarithm to the base 10; -∞ at 0, NaN below it.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.log10(tn.tensor([1.0, 1000.0]))
    tensor([0., 3.])
    """


def _sinc(x: Any) -> Any:
    """Of a complex number the quotient itself, without a slope at 0, as in PyTorch."""
    if not x.dtype.is_complex:
        return angles.sinc(floating(x))
    zero, one = pointwise.equal(x, x.coerce(0)), x.coerce(1)
    turned = pointwise.where(zero, one, x) * math.pi
    return pointwise.where(zero, one, pointwise.sin(turned) / turned)


@recorded(unary(Operation("sinc", _sinc)))
def sinc(x: ArrayLike) -> Tensor:
    """Elementwise sin(πx) / (πx), and 1 at 0; the gradient at 0 is 0.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.sinc(tn.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """


@recorded(unary(Operation("deg2rad", lambda x: floating(x) * (math.pi / 180), "MulBackward0")))
def deg2rad(x: ArrayLike) -> Tensor:
    """Elementwise angle in radians, of x in degrees.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.deg2rad(tn.tensor([90.0, 180.0]))
    tensor([1.5708, 3.1416])
    """


@recorded(unary(Operation("rad2deg", lambda x: floating(x) * (180 / math.pi), "MulBackward0")))
def rad2deg(x: ArrayLike) -> Tensor:
    """Elementwise angle in degrees, of x in radians.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.rad2deg(tn.tensor([0.0, 1.0]))
    tensor([ 0.0000, 57.2958])
    """


@recorded(binary(of_reals("atan2", angles.atan2), operator=False))
def atan2(x: Operand, y: Operand) -> Tensor:
    """Elementwise angle of the point (y, x), in radians from -π to π: the first operand is y.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.atan2(tn.tensor([1.0, 0.0]), tn.tensor([1.0, -1.0]))
    tensor([0.7854, 3.1416])
    """


@recorded(binary(of_reals("hypot", angles.hypot), operator=False))
def hypot(x: Operand, y: Operand) -> Tensor:
    """Elementwise length √(x² + y²), which overflows no sooner than its value.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.hypot(tn.tensor([3.0]), tn.tensor([4.0]))
    tensor([5.])
    """


@recorded(binary(of_reals("logaddexp", angles.logaddexp, "LogaddexpBackward0"), operator=False))
def logaddexp(x: Operand, y: Operand) -> Tensor:
    """Elementwise log(eˣ + eʸ).

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.logaddexp(tn.tensor([0.0]), tn.tensor([0.0]))
    tensor([0.6931])
    """


@recorded(binary(of_reals("logaddexp2", _log_of_powers), operator=False))
def logaddexp2(x: Operand, y: Operand) -> Tensor:
    """Elementwise logarithm to the base 2 of 2ˣ + 2ʸ.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.logaddexp2(tn.tensor([1.0]), tn.tensor([1.0]))
    tensor([2.])
    """
