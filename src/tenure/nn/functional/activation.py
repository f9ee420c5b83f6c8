"""Nonlinearities, and softmax."""

from __future__ import annotations

import math
from typing import Any

from tenure.dtypes import DTypeLike
from tenure.errors import DTypeError, shown
from tenure.ops.promote import parameters
from tenure.values import arithmetic, reductions
from tenure.values.arithmetic import where
from tenure.values.composite import composite
from tenure.values.given import number
from tenure.values.hits import apply_one
from tenure.values.reading import value_of


def relu(input: Any, inplace: bool = False) -> Any:
    """max(x, 0), elementwise; the gradient at 0 is 0."""
    return arithmetic.relu(input)


def tanh(input: Any) -> Any:
    """The hyperbolic tangent, elementwise."""
    return arithmetic.tanh(input)


def sigmoid(input: Any) -> Any:
    """1 / (1 + e⁻ˣ), elementwise."""
    return arithmetic.sigmoid(input)


def silu(input: Any, inplace: bool = False) -> Any:
    """x · sigmoid(x), elementwise."""
    return apply_one(SILU, value_of(input))


SILU = composite("silu", lambda x: x * x.sigmoid())


def gelu(input: Any, approximate: str = "none") -> Any:
    """x · Φ(x), elementwise, Φ the standard normal distribution; "tanh" for its approximation by tanh.

    Source: Hendrycks, Gimpel, arXiv:1606.08415.
    """
    if not isinstance(approximate, str) or approximate not in GELU:
        raise ValueError(f"gelu: approximate is 'none' or 'tanh', not {shown(approximate)}")
    return apply_one(GELU[approximate], value_of(input))


def _gelu_by_tanh(x: Any) -> Any:
    """GELU as x · sigmoid(2u), which is x · (1 + tanh u) / 2 without its cancellation on the left."""
    return x * (math.sqrt(8.0 / math.pi) * (x + 0.044715 * (x * x * x))).sigmoid()


GELU = {
    "none": composite("gelu", lambda x: x * arithmetic.ndtr(x)),
    "tanh": composite("gelu", _gelu_by_tanh),
}


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta · x)) / beta, elementwise; x itself where beta · x is above the threshold."""
    x = value_of(input)
    if type(beta) is not float or type(threshold) is not float:
        beta, threshold = number("softplus", "beta", beta), number("softplus", "threshold", threshold)
    scaled = x if beta == 1.0 else beta * x
    smooth = arithmetic.softplus(scaled)
    return where(scaled > threshold, x, smooth if beta == 1.0 else smooth / beta)


def logsigmoid(input: Any) -> Any:
    """log(sigmoid(x)), elementwise, without leaving the range of the dtype on the way."""
    return apply_one(LOG_SIGMOID, value_of(input))


LOG_SIGMOID = composite("logsigmoid", lambda x: -arithmetic.softplus(-x), "LogSigmoidBackward0")


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """x above zero, else negative_slope · x, elementwise."""
    x = value_of(input)
    if type(negative_slope) is not float:
        negative_slope = number("leaky_relu", "negative_slope", negative_slope)
    return where(x > 0, x, negative_slope * x)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x above zero, else alpha · (eˣ - 1), elementwise."""
    x = value_of(input)
    if type(alpha) is not float:
        alpha = number("elu", "alpha", alpha)
    return where(x > 0, x, alpha * x.expm1())


def softmax(
    input: Any, dim: int | None = None, *, axis: int | None = None, dtype: DTypeLike | None = None
) -> Any:
    """exp(x) / Σ exp(x) along an axis, of the shape of x; cast first if ``dtype`` is given."""
    x, at = _along(input, dim, axis, dtype)
    return apply_one(SOFTMAX, x, parameters(("axis",), at))


def _softmax(x: Any, *, axis: int) -> Any:
    if not x.shape[axis]:  # no element, and so no largest one
        return x.exp()
    powers = _shifted(x, axis).exp()
    return powers / powers.sum(axis=axis, keepdims=True)


SOFTMAX = composite("softmax", _softmax)


def log_softmax(
    input: Any, dim: int | None = None, *, axis: int | None = None, dtype: DTypeLike | None = None
) -> Any:
    """log(softmax(x)) along an axis, without leaving the range of the dtype on the way."""
    x, at = _along(input, dim, axis, dtype)
    return apply_one(LOG_SOFTMAX, x, parameters(("axis",), at))


def _log_softmax(x: Any, *, axis: int) -> Any:
    if not x.shape[axis]:
        return x.exp()
    shifted = _shifted(x, axis)
    return shifted - shifted.exp().sum(axis=axis, keepdims=True).log()


LOG_SOFTMAX = composite("log_softmax", _log_softmax)


def _shifted(x: Any, axis: int) -> Any:
    """The difference of x and its maximum along an axis, which is constant to differentiation."""
    return x - x.detach().max(axis=axis, keepdims=True)


def _along(input: Any, dim: int | None, axis: int | None, dtype: DTypeLike | None) -> tuple[Any, int]:
    """The input of a softmax, in its dtype, and the axis."""
    x = value_of(input)
    if dtype is not None:
        x = x.to(dtype)
    at = reductions.one_of(axis, dim)
    if at is None:
        raise TypeError("softmax and log_softmax go along an axis: give dim, as in dim=-1")
    if not x.dtype.is_floating:
        raise DTypeError(f"softmax of {x.dtype.name}", help="cast first, or give dtype=tn.float32")
    return x, reductions.check_axis(at, x.ndim)
