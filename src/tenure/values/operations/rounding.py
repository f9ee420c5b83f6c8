"""Roundings, remainders, signs, powers and the parts of floats, elementwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure import dtypes
from tenure.errors import DTypeError
from tenure.ops import angles, integers, pointwise, rounding
from tenure.ops.promote import Operation, arithmetic, as_type, common, floating, parameters
from tenure.values.native.hits import apply_one
from tenure.values.operations.angles import of_reals
from tenure.values.operations.elementary import unary
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import int_of
from tenure.values.trace.operators import binary, recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Operand

# mypy: disable-error-code="empty-body"


def _of_whole(name: str, prim: Any) -> Operation:
    """Rounding, which leaves integers as they are."""
    return Operation(name, lambda x: x if x.dtype.kind in "biu" else prim(x))


def _signbit(x: Any) -> Any:
    if x.dtype.is_floating:
        return rounding.signbit(x)
    return pointwise.less(_number(x), 0 * _number(x))


def _number(x: Any) -> Any:
    """x, of bools as whole numbers."""
    return as_type(x, dtypes.default_int) if x.dtype.kind == "b" else x


def _rounded(x: Any, *, decimals: int) -> Any:
    if not x.dtype.has_gradient:
        if decimals < 0:
            raise DTypeError("round: decimals of a whole number are not negative", help="cast it to a float first")
        return x
    if not decimals:
        return rounding.round(x)
    scale = 10.0 ** abs(decimals)
    return rounding.round(x * scale) / scale if decimals > 0 else rounding.round(x / scale) * scale


def _ignoring_nan(name: str, prim: Any, first: Any) -> Operation:
    """The extreme of two, or the one operand that is no NaN; of equal ones the first."""

    def function(x: Any, y: Any) -> Any:
        x, y = common(x, y)
        if not x.dtype.is_floating:
            return prim(x, y)
        return pointwise.where(pointwise.logical_or(first(x, y), pointwise.isnan(y)), x, y)

    return Operation(name, function)


def _step_at_zero(x: Any, y: Any) -> Any:
    x, y = common(x, y)
    zero = x.coerce(0)
    beside = pointwise.where(pointwise.less(x, zero), zero, x.coerce(1))
    ans = pointwise.where(pointwise.equal(x, zero), y, beside)
    return pointwise.where(pointwise.isnan(x), x, ans) if x.dtype.is_floating else ans


def _scaled_by_power(x: Any, n: Any) -> Any:
    """x · 2ⁿ, in two steps so that the power itself does not overflow."""
    if x.dtype.is_complex:
        return x * angles.exp2(n)
    n = pointwise.maximum(pointwise.minimum(n, n.coerce(5000)), n.coerce(-5000))
    half = pointwise.floor(n * 0.5)
    return x * angles.exp2(half) * angles.exp2(n - half)


def _double_power(x: Any, y: Any) -> Any:
    wide = dtypes.complex128 if x.dtype.is_complex or y.dtype.is_complex else dtypes.float64
    return pointwise.power(as_type(x, wide), as_type(y, wide))


@recorded(unary(_of_whole("ceil", rounding.ceil)))
def ceil(x: ArrayLike) -> Tensor:
    """Elementwise ceiling, the least whole number ≥ x; not differentiable.

    Shape and dtype are those of x.

    >>> tn.ceil(tn.tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """


@recorded(unary(_of_whole("trunc", rounding.trunc)))
def trunc(x: ArrayLike) -> Tensor:
    """Elementwise nearest whole number towards 0; not differentiable.

    Shape and dtype are those of x.

    >>> tn.trunc(tn.tensor([1.5, -1.5]))
    tensor([ 1., -1.])
    """


@recorded(unary(Operation("frac", lambda x: x * 0 if x.dtype.kind in "biu" else x - rounding.trunc(x))))
def frac(x: ArrayLike) -> Tensor:
    """Elementwise fraction x - trunc(x), with the sign of x.

    Shape and dtype are those of x.

    >>> tn.frac(tn.tensor([1.5, -1.25]))
    tensor([ 0.5000, -0.2500])
    """


def positive(x: ArrayLike) -> Tensor:
    """Elementwise +x, which is x; DTypeError (TN802) for bools.

    Shape and dtype are those of x.

    >>> tn.positive(tn.tensor([1, -2]))
    tensor([ 1, -2])
    """
    x = value_of(x)
    if x._aval.dtype.kind == "b":
        raise DTypeError("positive is not defined for bool", help="cast to a number first")
    return x


ROUND = Operation("round", _rounded)


def round(x: ArrayLike, *, decimals: int = 0) -> Tensor:
    """Elementwise nearest whole number, of two the even one; not differentiable.

    ``decimals`` digits are kept behind the point; below 0 so many before it become 0. Shape and dtype are those of x.

    >>> tn.round(tn.tensor([0.5, 1.5, 2.567]), decimals=0)
    tensor([0., 2., 3.])
    """
    return apply_one(ROUND, value_of(x), parameters(("decimals",), int_of(decimals, "round: decimals")))


@recorded(unary(Operation("reciprocal", lambda x: 1 / floating(x))))
def reciprocal(x: ArrayLike) -> Tensor:
    """Elementwise reciprocal, 1 / x.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.reciprocal(tn.tensor([1.0, 4.0]))
    tensor([1.0000, 0.2500])
    """


@recorded(unary(Operation("rsqrt", lambda x: 1 / pointwise.sqrt(floating(x)))))
def rsqrt(x: ArrayLike) -> Tensor:
    """Elementwise 1 / √x; ∞ at 0, NaN below it.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.rsqrt(tn.tensor([1.0, 4.0]))
    tensor([1.0000, 0.5000])
    """


@recorded(unary(Operation("signbit", _signbit)))
def signbit(x: ArrayLike) -> Tensor:
    """Whether the sign of x is negative, elementwise; -0.0 has one too.

    Bools in the shape of x.

    >>> tn.signbit(tn.tensor([-1.0, -0.0, 0.0]))
    tensor([ True,  True, False])
    """


@recorded(binary(arithmetic("fmod", rounding.fmod, None, "FmodBackward0"), operator=False))
def fmod(x: Operand, y: Operand) -> Tensor:
    """Elementwise remainder of x / y rounded towards 0, with the sign of x.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802). DivisionByZero,
    when the result is read, where whole numbers are divided by 0.

    >>> tn.fmod(tn.tensor([7.0, -7.0]), 4)
    tensor([ 3., -3.])
    """


@recorded(binary(of_reals("copysign", rounding.copysign), operator=False))
def copysign(x: Operand, y: Operand) -> Tensor:
    """Elementwise |x| with the sign of y.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.copysign(tn.tensor([1.0, -2.0]), tn.tensor([-1.0, 1.0]))
    tensor([-1.,  2.])
    """


def _next(x: Any, y: Any) -> Any:
    """Of a half the neighbour among halves, by the order of their bits."""
    if x.dtype.kind != "h":
        return rounding.nextafter(x, y)
    bits, zero = integers.bitcast(x, dtype=dtypes.int16), x.coerce(0)
    away = pointwise.equal(pointwise.less(x, y), pointwise.greater(x, zero))
    moved = bits + pointwise.where(away, bits.coerce(1), bits.coerce(-1))
    least = integers.bitcast(y, dtype=dtypes.int16)
    least = integers.bitwise_or(integers.bitwise_and(least, least.coerce(-(2**15))), least.coerce(1))
    found = integers.bitcast(pointwise.where(pointwise.equal(x, zero), least, moved), dtype=x.dtype)
    known = pointwise.logical_and(pointwise.equal(x, x), pointwise.equal(y, y))
    found = pointwise.where(pointwise.equal(x, y), y, found)
    return pointwise.where(known, found, x + y)


@recorded(binary(of_reals("nextafter", _next), operator=False))
def nextafter(x: Operand, y: Operand) -> Tensor:
    """Elementwise float next to x in the direction of y; not differentiable.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.nextafter(tn.tensor([0.0]), tn.tensor([1.0]))
    tensor([1.4013e-45])
    """


@recorded(binary(Operation("heaviside", _step_at_zero), operator=False))
def heaviside(x: Operand, y: Operand) -> Tensor:
    """Elementwise step: 0 below 0, 1 above, and y at 0; its slope in x is 0.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.heaviside(tn.tensor([-1.0, 0.0, 2.0]), tn.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """


@recorded(binary(_ignoring_nan("fmax", pointwise.maximum, pointwise.greater_equal), operator=False))
def fmax(x: Operand, y: Operand) -> Tensor:
    """Elementwise larger of two; beside a NaN the other. Of equal elements the first has the gradient.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.fmax(tn.tensor([1.0, float("nan")]), tn.tensor([3.0, 4.0]))
    tensor([3., 4.])
    """


@recorded(binary(_ignoring_nan("fmin", pointwise.minimum, pointwise.less_equal), operator=False))
def fmin(x: Operand, y: Operand) -> Tensor:
    """Elementwise smaller of two; beside a NaN the other. Of equal elements the first has the gradient.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.fmin(tn.tensor([1.0, float("nan")]), tn.tensor([3.0, 4.0]))
    tensor([1., 4.])
    """


@recorded(binary(of_reals("ldexp", _scaled_by_power, "MulBackward0"), operator=False))
def ldexp(x: Operand, y: Operand) -> Tensor:
    """Elementwise x · 2ʸ.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.ldexp(tn.tensor([0.5, 0.75]), tn.tensor([1, 2]))
    tensor([1., 3.])
    """


@recorded(binary(Operation("float_power", _double_power, "PowBackward0"), operator=False))
def float_power(x: Operand, y: Operand) -> Tensor:
    """Elementwise power, x to the y, computed in float64 or complex128.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.float_power(tn.tensor([1, 2, 3]), 2)
    tensor([1., 4., 9.], dtype=tenure.float64)
    """


MANTISSA = Operation("frexp", lambda x: rounding.mantissa(floating(x)))
EXPONENT = Operation("frexp", lambda x: as_type(rounding.exponent(floating(x)), dtypes.int32))


def frexp(x: ArrayLike) -> tuple[Tensor, Tensor]:
    """Elementwise mantissa m and exponent e (int32) with x = m · 2ᵉ and ½ ≤ |m| < 1.

    0, infinities and NaN have exponent 0. The shape is that of x; whole numbers become float32 first.

    >>> tn.frexp(tn.tensor([1.0, 6.0]))
    (tensor([0.5000, 0.7500]), tensor([1, 3], dtype=tenure.int32))
    """
    value = value_of(x)
    return apply_one(MANTISSA, value), apply_one(EXPONENT, value)
