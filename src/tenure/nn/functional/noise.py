"""Functions that draw: dropout that keeps mean and variance, random slopes, and samples of categories."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, ShapeError
from tenure.nn.functional.activation import leaky_relu, softmax
from tenure.nn.functional.caller import named_by_caller
from tenure.values.operations.arithmetic import where
from tenure.values.operations.factories import zeros_like
from tenure.values.operations.reading import value_of
from tenure.values.tensor.random import rand
from tenure.values.trace.given import flag, int_of, number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

ALPHA = 1.7580993408473766
"""The scale times the alpha of SELU: minus the limit of its values to the left."""


def _alpha(name: str, x: Any, p: Any, training: Any, drawn: tuple[int, ...]) -> Tensor:
    p = number(name, "p", p)
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{name}: p, a probability, is between 0 and 1, not {p}")
    if not x.dtype.is_floating:
        raise DTypeError(f"{name} of {x.dtype.name}", help="the input is floating")
    if not flag(f"{name}: training", training) or p == 0.0:
        return x  # type: ignore[no-any-return]
    if p == 1.0:
        return x * 0.0  # type: ignore[no-any-return]
    scale = 1.0 / math.sqrt((ALPHA * ALPHA * p + 1.0) * (1.0 - p))
    kept = rand(drawn, dtype=x.dtype) >= p
    return where(kept, x, -ALPHA) * scale + ALPHA * scale * p  # type: ignore[no-any-return]


@named_by_caller
def alpha_dropout(input: ArrayLike, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout for ``selu``: each element is -1.7581 with probability p, and mean and variance stay; else the input.

    The input itself if not ``training``. ValueError for a probability outside [0, 1]; ``inplace`` has no effect.
    Source: Klambauer et al., arXiv:1706.02515.

    >>> F.alpha_dropout(tn.ones(2))
    tensor([1., 1.])
    """
    x = value_of(input)
    return _alpha("alpha_dropout", x, p, training, x.shape)


@named_by_caller
def feature_alpha_dropout(input: ArrayLike, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """``alpha_dropout`` of whole channels of an input (N, C, …).

    ValueError for a probability outside [0, 1], ShapeError (TN802) for an input without channels; ``inplace`` has no
    effect.

    >>> F.feature_alpha_dropout(tn.ones(1, 2, 3)).sum()
    tensor(6.)
    """
    x = value_of(input)
    if x.ndim < 2:
        raise ShapeError(f"feature_alpha_dropout: an input of shape {list(x.shape)}; it is (N, C, …)")
    return _alpha("feature_alpha_dropout", x, p, training, (*x.shape[:2], *[1] * (x.ndim - 2)))


@named_by_caller
def rrelu(
    input: ArrayLike, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """Randomized leaky ReLU: x above zero, else x times a slope, which is drawn between two bounds for each element.

    Without ``training`` it is the mean of the bounds. ValueError for a lower bound above the upper one; ``inplace`` has
    no effect. Source: Xu et al., arXiv:1505.00853.

    >>> F.rrelu(tn.tensor([-1.0, 2.0]), 0.1, 0.3)
    tensor([-0.2000,  2.0000])
    """
    x = value_of(input)
    least, most = (float(number("rrelu", name, b)) for name, b in (("lower", lower), ("upper", upper)))
    if not least <= most < math.inf or least == -math.inf:
        raise ValueError(f"rrelu: lower is at most upper, and {least} is not at most {most}, or one is infinite")
    if not x.dtype.is_floating:
        raise DTypeError(f"rrelu of {x.dtype.name}", help="the input is floating")
    if not flag("rrelu: training", training):
        return leaky_relu(x, (least + most) / 2)
    slope = rand(x.shape, dtype=x.dtype) * (most - least) + least
    return where(x <= 0, x * slope, x)


@named_by_caller
def gumbel_softmax(logits: ArrayLike, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """Samples of the Gumbel-softmax distribution along an axis: softmax((logits + noise) / tau).

    With ``hard`` they are one-hot, with the gradient of the soft ones. ``eps`` has no effect. ValueError unless tau is
    above zero. Sources: Maddison et al., arXiv:1611.00712; Jang et al., arXiv:1611.01144.

    >>> F.gumbel_softmax(tn.zeros(2, 3)).shape
    (2, 3)
    """
    x = value_of(logits)
    temperature, axis = number("gumbel_softmax", "tau", tau), int_of(dim, "gumbel_softmax: dim")
    number("gumbel_softmax", "eps", eps)
    if not temperature > 0:
        raise ValueError(f"gumbel_softmax: tau is above zero, and {temperature} is not")
    if not x.dtype.is_floating:
        raise DTypeError(f"gumbel_softmax of {x.dtype.name}", help="logits are floating")
    noise = -(-(1.0 - rand(x.shape, dtype=x.dtype)).log()).log()  # 1 - u is never 0
    soft = softmax((x + noise.clip(-50.0, 50.0)) / temperature, axis)
    if not flag("gumbel_softmax: hard", hard):
        return soft
    first = soft.argmax(axis=axis, keepdims=True)
    value = soft.detach()
    chosen: Tensor = zeros_like(value).scatter(axis, first, 1.0)
    return chosen + (soft - value)
