"""Functions of one operand, elementwise: each result has the shape of the operand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tenure.ops import normal, pointwise, special
from tenure.ops.promote import Operation, elementary
from tenure.values.native.hits import apply_one
from tenure.values.operations.reading import value_of
from tenure.values.trace.operators import STEPS, recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

# mypy: disable-error-code="empty-body"


def unary(fn: Operation) -> Callable[..., Tensor]:
    """Step that records an operation on one tensor."""

    def step(x: Any) -> Tensor:
        return apply_one(fn, value_of(x))

    step.__name__ = step.__qualname__ = fn.name
    STEPS[step] = (fn, "method", False)
    return step


def _relu(x: Any) -> Any:
    """x above zero, else 0; NaN stays NaN and the gradient at 0 is 0, as in PyTorch."""
    zero = x.coerce(0)
    return pointwise.where(pointwise.less_equal(x, zero), zero, x)


def _floor(x: Any) -> Any:
    return x if x.dtype.kind in "biu" else pointwise.floor(x)


@recorded(unary(Operation("negative", pointwise.negative, "NegBackward0")))
def negative(x: ArrayLike) -> Tensor:
    """Elementwise negation, -x.

    Shape and dtype are those of x.

    >>> tn.negative(tn.tensor([1, -2]))
    tensor([-1,  2])
    """


@recorded(unary(Operation("abs", pointwise.absolute, "AbsBackward0")))
def abs(x: ArrayLike) -> Tensor:
    """Elementwise absolute value, |x|; the gradient at 0 is 0.

    Shape and dtype are those of x.

    >>> tn.abs(tn.tensor([1, -2]))
    tensor([1, 2])
    """


@recorded(unary(Operation("sign", pointwise.sign)))
def sign(x: ArrayLike) -> Tensor:
    """Elementwise sign, -1, 0 or 1; not differentiable.

    Shape and dtype are those of x.

    >>> tn.sign(tn.tensor([-3.0, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """


@recorded(unary(Operation("floor", _floor, "FloorBackward0")))
def floor(x: ArrayLike) -> Tensor:
    """Elementwise floor, the largest whole number ≤ x; not differentiable.

    Shape and dtype are those of x.

    >>> tn.floor(tn.tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """


@recorded(unary(elementary("exp", pointwise.exp, "ExpBackward0")))
def exp(x: ArrayLike) -> Tensor:
    """Elementwise exponential, e to the x.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.exp(tn.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """


@recorded(unary(elementary("log", pointwise.log, "LogBackward0")))
def log(x: ArrayLike) -> Tensor:
    """Elementwise natural logarithm; -∞ at 0, NaN below it.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.log(tn.tensor([1.0, 2.0]))
    tensor([0.0000, 0.6931])
    """


@recorded(unary(elementary("sqrt", pointwise.sqrt, "SqrtBackward0")))
def sqrt(x: ArrayLike) -> Tensor:
    """Elementwise square root; NaN below 0.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.sqrt(tn.tensor([1.0, 4.0]))
    tensor([1., 2.])
    """


@recorded(unary(elementary("tanh", pointwise.tanh, "TanhBackward0")))
def tanh(x: ArrayLike) -> Tensor:
    """Elementwise hyperbolic tangent.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.tanh(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """


@recorded(unary(elementary("erf", special.erf, "ErfBackward0")))
def erf(x: ArrayLike) -> Tensor:
    """Elementwise error function, 2/√π · ∫ exp(-t²) dt from 0 to x.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.erf(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """


@recorded(unary(elementary("ndtr", normal.ndtr, "SpecialNdtrBackward0")))
def ndtr(x: ArrayLike) -> Tensor:
    """Elementwise distribution function of the standard normal distribution.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.ndtr(tn.tensor([0.0, 1.0]))
    tensor([0.5000, 0.8413])
    """


@recorded(unary(elementary("sigmoid", special.sigmoid, "SigmoidBackward0")))
def sigmoid(x: ArrayLike) -> Tensor:
    """Elementwise logistic function, 1 / (1 + e⁻ˣ).

    The shape is that of x; whole numbers become float32 first.

    >>> tn.sigmoid(tn.tensor([0.0, 1.0]))
    tensor([0.5000, 0.7311])
    """


@recorded(unary(elementary("softplus", special.softplus, "SoftplusBackward0")))
def softplus(x: ArrayLike) -> Tensor:
    """Elementwise log(1 + eˣ)."""


@recorded(unary(elementary("expm1", special.expm1, "Expm1Backward0")))
def expm1(x: ArrayLike) -> Tensor:
    """Elementwise eˣ - 1, exact near 0.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.expm1(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """


@recorded(unary(elementary("log1p", special.log1p, "Log1PBackward0")))
def log1p(x: ArrayLike) -> Tensor:
    """Elementwise log(1 + x), exact near 0.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.log1p(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """


@recorded(unary(elementary("sin", pointwise.sin, "SinBackward0")))
def sin(x: ArrayLike) -> Tensor:
    """Elementwise sine of x in radians.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.sin(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """


@recorded(unary(elementary("cos", pointwise.cos, "CosBackward0")))
def cos(x: ArrayLike) -> Tensor:
    """Elementwise cosine of x in radians.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.cos(tn.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """


@recorded(unary(Operation("square", lambda x: pointwise.multiply(x, x), "PowBackward0")))
def square(x: ArrayLike) -> Tensor:
    """Elementwise square, x · x.

    Shape and dtype are those of x.

    >>> tn.square(tn.tensor([2, -3]))
    tensor([4, 9])
    """


@recorded(unary(Operation("relu", _relu, "ReluBackward0")))
def relu(x: ArrayLike) -> Tensor:
    """Elementwise max(x, 0); the gradient at 0 is 0.

    Shape and dtype are those of x.

    >>> tn.relu(tn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
