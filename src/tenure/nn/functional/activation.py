"""Nonlinearities, and softmax."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.errors import shown
from tenure.values.native.hits import apply_one
from tenure.values.operations import elementary
from tenure.values.operations.arithmetic import where
from tenure.values.operations.exponentials import log_softmax as log_softmax
from tenure.values.operations.exponentials import softmax as softmax
from tenure.values.operations.reading import value_of
from tenure.values.tensor.composite import composite
from tenure.values.trace.given import number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def relu(input: ArrayLike, inplace: bool = False) -> Tensor:
    """Elementwise max(x, 0); the gradient at 0 is 0.

    Shape and dtype are those of the input; ``inplace`` has no effect.

    >>> F.relu(tn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return elementary.relu(input)


def tanh(input: ArrayLike) -> Tensor:
    """Elementwise hyperbolic tangent, in the shape of the input.

    >>> F.tanh(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return elementary.tanh(input)


def sigmoid(input: ArrayLike) -> Tensor:
    """Elementwise logistic function, 1 / (1 + e⁻ˣ), in the shape of the input.

    >>> F.sigmoid(tn.tensor([0.0, 1.0]))
    tensor([0.5000, 0.7311])
    """
    return elementary.sigmoid(input)


def silu(input: ArrayLike, inplace: bool = False) -> Tensor:
    """Elementwise x · sigmoid(x), in the shape of the input; ``inplace`` has no effect.

    >>> F.silu(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7311])
    """
    return apply_one(SILU, value_of(input))


SILU = composite("silu", lambda x: x * x.sigmoid())


def gelu(input: ArrayLike, approximate: str = "none") -> Tensor:
    """Elementwise Gaussian error linear unit: x · Φ(x), Φ the standard normal distribution function.

    The shape is that of the input; ``approximate="tanh"`` for its approximation by tanh. ValueError for another.
    Source: Hendrycks, Gimpel, arXiv:1606.08415.

    >>> F.gelu(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8413])
    """
    if not isinstance(approximate, str) or approximate not in GELU:
        raise ValueError(f"gelu: approximate is 'none' or 'tanh', not {shown(approximate)}")
    return apply_one(GELU[approximate], value_of(input))


def _gelu_by_tanh(x: Any) -> Any:
    """GELU as x · sigmoid(2u), which is x · (1 + tanh u) / 2 without its cancellation on the left."""
    return x * (math.sqrt(8.0 / math.pi) * (x + 0.044715 * (x * x * x))).sigmoid()


GELU = {
    "none": composite("gelu", lambda x: x * elementary.ndtr(x), wide=True),
    "tanh": composite("gelu", _gelu_by_tanh, wide=True),
}


def softplus(input: ArrayLike, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Elementwise log(1 + exp(beta · x)) / beta; x itself where beta · x is above the threshold.

    The shape is that of the input.

    >>> F.softplus(tn.tensor([0.0, 1.0]))
    tensor([0.6931, 1.3133])
    """
    x = value_of(input)
    if type(beta) is not float or type(threshold) is not float:
        beta, threshold = number("softplus", "beta", beta), number("softplus", "threshold", threshold)
    scaled = x if beta == 1.0 else beta * x
    smooth = elementary.softplus(scaled)
    return where(scaled > threshold, x, smooth if beta == 1.0 else smooth / beta)


def logsigmoid(input: ArrayLike) -> Tensor:
    """Elementwise log(sigmoid(x)), within the range of the dtype throughout, in the shape of the input.

    >>> F.logsigmoid(tn.tensor([0.0, -100.0]))
    tensor([  -0.6931, -100.0000])
    """
    return apply_one(LOG_SIGMOID, value_of(input))


LOG_SIGMOID = composite("logsigmoid", lambda x: -elementary.softplus(-x), "LogSigmoidBackward0")


def leaky_relu(input: ArrayLike, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Elementwise x above zero, else negative_slope · x.

    The shape is that of the input; ``inplace`` has no effect.

    >>> F.leaky_relu(tn.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    x = value_of(input)
    if type(negative_slope) is not float:
        negative_slope = number("leaky_relu", "negative_slope", negative_slope)
    return where(x > 0, x, negative_slope * x)


def elu(input: ArrayLike, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Elementwise x above zero, else alpha · (eˣ - 1).

    The shape is that of the input; ``inplace`` has no effect.

    >>> F.elu(tn.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    x = value_of(input)
    if type(alpha) is not float:
        alpha = number("elu", "alpha", alpha)
    return where(x > 0, x, alpha * x.expm1())
