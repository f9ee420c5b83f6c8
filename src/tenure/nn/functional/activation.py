"""Nonlinearities, and softmax."""

from __future__ import annotations

import math
from typing import Any

from tenure.dtypes import DTypeLike
from tenure.errors import DTypeError
from tenure.values import arithmetic, reductions
from tenure.values.arithmetic import where
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
    x = value_of(input)
    return x * x.sigmoid()


def gelu(input: Any, approximate: str = "none") -> Any:
    """x · Φ(x), elementwise, Φ the standard normal distribution; "tanh" for its approximation by tanh.

    Source: Hendrycks, Gimpel, arXiv:1606.08415.
    """
    x = value_of(input)
    if approximate == "none":
        return 0.5 * x * (1.0 + (x * math.sqrt(0.5)).erf())
    if approximate == "tanh":
        return 0.5 * x * (1.0 + (math.sqrt(2.0 / math.pi) * (x + 0.044715 * (x * x * x))).tanh())
    raise ValueError(f"approximate is 'none' or 'tanh', not {approximate!r}")


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta · x)) / beta, elementwise; x itself where beta · x is above the threshold."""
    x = value_of(input)
    scaled = x if beta == 1.0 else beta * x
    smooth = scaled.exp().log1p()
    return where(scaled > threshold, x, smooth if beta == 1.0 else smooth / beta)


def logsigmoid(input: Any) -> Any:
    """log(sigmoid(x)), elementwise, without leaving the range of the dtype on the way."""
    x = value_of(input)
    rest = where(x > 0, -x, x).exp().log1p()
    return where(x > 0, -rest, x - rest)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """x above zero, else negative_slope · x, elementwise."""
    x = value_of(input)
    return where(x > 0, x, negative_slope * x)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x above zero, else alpha · (eˣ - 1), elementwise."""
    x = value_of(input)
    return where(x > 0, x, alpha * x.expm1())


def softmax(
    input: Any, dim: int | None = None, *, axis: int | None = None, dtype: DTypeLike | None = None
) -> Any:
    """exp(x) / Σ exp(x) along an axis, of the shape of x; cast first if ``dtype`` is given."""
    shifted, at = _shifted(input, dim, axis, dtype)
    powers = shifted.exp()
    return powers / powers.sum(axis=at, keepdims=True)


def log_softmax(
    input: Any, dim: int | None = None, *, axis: int | None = None, dtype: DTypeLike | None = None
) -> Any:
    """log(softmax(x)) along an axis, without leaving the range of the dtype on the way."""
    shifted, at = _shifted(input, dim, axis, dtype)
    return shifted - shifted.exp().sum(axis=at, keepdims=True).log()


def _shifted(input: Any, dim: int | None, axis: int | None, dtype: DTypeLike | None) -> tuple[Any, int]:
    """x less its largest element along an axis, which is constant to differentiation; and the axis."""
    x = value_of(input)
    if dtype is not None:
        x = x.to(dtype)
    at = reductions.one_of(axis, dim)
    if at is None:
        raise TypeError("softmax goes along an axis: give dim, as in dim=-1")
    if not x.dtype.is_floating:
        raise DTypeError(f"softmax of {x.dtype.name}", help="cast first, or give dtype=tn.float32")
    at = reductions.check_axis(at, x.ndim)
    return x - x.detach().max(axis=at, keepdims=True), at
