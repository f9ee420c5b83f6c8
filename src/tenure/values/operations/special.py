"""Special functions, elementwise: of the error function's and the gamma function's families, and Bessel's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, shown
from tenure.ops import angles, gamma, normal, pointwise, special
from tenure.ops.promote import Operation, elementary, floating, parameters
from tenure.values.native.hits import apply_one
from tenure.values.operations.angles import of_reals
from tenure.values.operations.arithmetic import clip
from tenure.values.operations.elementary import unary
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import int_of, number
from tenure.values.trace.operators import binary, recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Operand

# mypy: disable-error-code="empty-body"


def _times_log(log: Any, pole: float) -> Any:
    """x · log y, and 0 for x = 0 unless y is NaN; from 0 · ∞, and where there is no logarithm, no gradient goes on."""

    def function(x: Any, y: Any) -> Any:
        zero = x.coerce(0)
        without = pointwise.logical_or(
            pointwise.less_equal(y, y.coerce(pole)), pointwise.equal(y, y.coerce(float("inf")))
        )
        none = pointwise.logical_and(pointwise.equal(x, zero), without)
        return pointwise.where(none, zero, x * log(y))

    return function


def _logit(x: Any) -> Any:
    """log(x / (1 − x)); near ½ by atanh, whose argument is exact there."""
    x = floating(x)
    zero, one = x.coerce(0), x.coerce(1)
    outside = pointwise.logical_or(pointwise.less(x, zero), pointwise.greater(x, one))
    # So that the slope there is NaN too.
    x = x * pointwise.where(outside, x.coerce(float("nan")), one)
    away = 2 * x - 1
    middle = pointwise.less(pointwise.absolute(away), x.coerce(0.5))
    inner = 2 * angles.atanh(pointwise.where(middle, away, zero))
    return pointwise.where(middle, inner, pointwise.log(x) - special.log1p(-x))


def _entr(x: Any) -> Any:
    zero = x.coerce(0)
    inside = pointwise.less_equal(x, zero)
    outside = pointwise.where(pointwise.less(x, zero), x.coerce(float("-inf")), zero)
    return pointwise.where(inside, outside, -(x * pointwise.log(x)))


@recorded(unary(elementary("erfc", gamma.erfc, "")))
def erfc(x: ArrayLike) -> Tensor:
    """Elementwise complementary error function, 1 - erf(x), to its last digits on the right too.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.erfc(tn.tensor([0.0, 1.0]))
    tensor([1.0000, 0.1573])
    """


@recorded(unary(elementary("erfcx", normal.erfcx, "SpecialErfcxBackward0")))
def erfcx(x: ArrayLike) -> Tensor:
    """Elementwise scaled complementary error function, exp(x²) · erfc(x), which does not underflow on the right.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.erfcx(tn.tensor([0.0, 20.0]))
    tensor([1.0000, 0.0282])
    """


@recorded(unary(elementary("ndtri", normal.ndtri, "SpecialNdtriBackward0")))
def ndtri(x: ArrayLike) -> Tensor:
    """Elementwise quantile of the standard normal distribution, the inverse of ndtr; NaN outside of [0, 1].

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.ndtri(tn.tensor([0.5, 0.975]))
    tensor([0.0000, 1.9600])
    """


@recorded(unary(elementary("erfinv", gamma.erfinv, "")))
def erfinv(x: ArrayLike) -> Tensor:
    """Elementwise inverse of the error function; ±∞ at ±1, NaN beyond.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.erfinv(tn.tensor([0.0, 0.5]))
    tensor([0.0000, 0.4769])
    """


@recorded(unary(elementary("lgamma", gamma.lgamma, "")))
def lgamma(x: ArrayLike) -> Tensor:
    """Elementwise logarithm of the absolute value of the gamma function; +∞ at 0, -1, -2, ….

    The shape is that of x; whole numbers become float32 first.

    >>> tn.lgamma(tn.tensor([0.5, 3.0]))
    tensor([0.5724, 0.6931])
    """


@recorded(unary(elementary("digamma", gamma.digamma, "")))
def digamma(x: ArrayLike) -> Tensor:
    """Elementwise derivative of lgamma; NaN at -1, -2, ….

    The shape is that of x; whole numbers become float32 first.

    >>> tn.digamma(tn.tensor([0.5, 1.0]))
    tensor([-1.9635, -0.5772])
    """


@recorded(unary(elementary("i0", gamma.i0, "")))
def i0(x: ArrayLike) -> Tensor:
    """Elementwise modified Bessel function of the first kind, of order 0.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.i0(tn.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """


@recorded(unary(elementary("i0e", gamma.i0e, "")))
def i0e(x: ArrayLike) -> Tensor:
    """Elementwise e⁻|ˣ| times the modified Bessel function of order 0.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.i0e(tn.tensor([0.0, 1.0]))
    tensor([1.0000, 0.4658])
    """


@recorded(unary(elementary("i1", gamma.i1, "")))
def i1(x: ArrayLike) -> Tensor:
    """Elementwise modified Bessel function of the first kind, of order 1.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.i1(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """


@recorded(unary(elementary("i1e", gamma.i1e, "")))
def i1e(x: ArrayLike) -> Tensor:
    """Elementwise e⁻|ˣ| times the modified Bessel function of order 1.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.i1e(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2079])
    """


@recorded(unary(Operation("entr", lambda x: _entr(floating(x)))))
def entr(x: ArrayLike) -> Tensor:
    """Elementwise entropy -x · log(x); 0 at 0, -∞ below it.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.entr(tn.tensor([0.0, 0.5]))
    tensor([0.0000, 0.3466])
    """


def _log_ndtr(x: Any) -> Any:
    """On the left by the scaled complementary error function, which does not underflow."""
    t = x * -math.sqrt(0.5)
    left = pointwise.log(normal.erfcx(t) * 0.5) - t * t
    right = special.log1p(gamma.erfc(-t) * -0.5)
    return pointwise.where(pointwise.less(x, x.coerce(-1)), left, right)


@recorded(unary(Operation("log_ndtr", lambda x: _log_ndtr(floating(x)), "SpecialLogNdtrBackward0")))
def log_ndtr(x: ArrayLike) -> Tensor:
    """Elementwise logarithm of ndtr, the standard normal distribution function, far on the left too.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.log_ndtr(tn.tensor([0.0, -40.0]))
    tensor([-6.9315e-01, -8.0461e+02])
    """


@recorded(binary(of_reals("xlogy", _times_log(pointwise.log, 0.0), "XlogyBackward0"), operator=False))
def xlogy(x: Operand, y: Operand) -> Tensor:
    """Elementwise x · log(y), and 0 where x is 0, unless y is NaN.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.xlogy(tn.tensor([0.0, 2.0]), tn.tensor([0.0, 3.0]))
    tensor([0.0000, 2.1972])
    """


@recorded(binary(of_reals("xlog1py", _times_log(special.log1p, -1.0), "SpecialXlog1PyBackward0"), operator=False))
def xlog1py(x: Operand, y: Operand) -> Tensor:
    """Elementwise x · log(1 + y), and 0 where x is 0, unless y is NaN.

    At least one operand is a tensor. The shapes broadcast together, else ShapeError (TN802).

    >>> tn.special.xlog1py(tn.tensor([0.0, 2.0]), tn.tensor([-1.0, 3.0]))
    tensor([0.0000, 2.7726])
    """


LOGIT = Operation("logit", _logit)


def logit(x: ArrayLike, eps: float | None = None) -> Tensor:
    """Elementwise log(x / (1 - x)), the inverse of sigmoid; NaN outside of [0, 1].

    With ``eps`` x is first kept within [eps, 1 - eps]. The shape is that of x; whole numbers become float32 first.

    >>> tn.logit(tn.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
    """
    value = value_of(x)
    if eps is not None:
        eps = number("logit", "eps", eps)
        value = clip(value, eps, 1 - eps)
    return apply_one(LOGIT, value)


def _derivative(x: Any, *, n: int) -> Any:
    x = floating(x)
    return gamma.polygamma(x, n=n) if n else gamma.digamma(x)


POLYGAMMA = Operation("polygamma", _derivative)
MOST_DERIVATIVES = 30


def polygamma(n: int, x: ArrayLike) -> Tensor:
    """Elementwise n-th derivative of digamma; digamma itself for n = 0.

    n is an int from 0 to 30, else DTypeError (TN802). The shape is that of x; whole numbers become float32 first.

    >>> tn.polygamma(1, tn.tensor([1.0, 0.5]))
    tensor([1.6449, 4.9348])
    """
    n = int_of(n, "polygamma: n")
    if not 0 <= n <= MOST_DERIVATIVES:
        raise DTypeError(f"polygamma: n is an int from 0 to {MOST_DERIVATIVES}, not {shown(n)}")
    return apply_one(POLYGAMMA, value_of(x), parameters(("n",), n))
