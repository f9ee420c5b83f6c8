"""The distribution function of the gamma distribution, as the integral that its quantiles are differentiated by."""

from __future__ import annotations

import numpy as np

from tenure.distributions.utils import either
from tenure.dtypes import float64
from tenure.ops.implicit import COARSE, FINE, nodes
from tenure.values.operations.arithmetic import clip, minimum
from tenure.values.operations.creation import tensor
from tenure.values.operations.special import xlogy
from tenure.values.tensor.tensor import Tensor

MOST = 1e300
"""The largest number that is looked at: all of the distribution lies below."""


def gammainc(a: Tensor, x: Tensor) -> Tensor:
    """The regularized lower incomplete gamma function P(a, x); differentiable in both.

    With t = x·eʷ it is the density times ∫ exp(a·w − x·(eʷ − 1)) dw over w < 0, or 1 less that over w > 0, by sums over
    equal steps (``ops.implicit``).
    """
    target = (a + x).dtype
    points, weights = (tensor(np.array(v)) for v in nodes(FINE if target is float64 else COARSE))
    a, x = a.to(float64).unsqueeze(-1), clip(x.to(float64), 0.0, MOST).unsqueeze(-1)
    at, size = a.detach(), x.detach()
    lower = size < either(at < 1, 1.5, at)
    spread = (at - size).abs() + size.sqrt()
    rate = either(lower, either(at < 1, at, minimum(at, spread)), spread)
    w = either(lower, -1.0, 1.0) * points / rate
    area = (weights * (a * w - x * w.expm1()).exp()).sum(-1)
    part = ((xlogy(a, x) - x - a.lgamma()).exp() / rate)[..., 0] * area
    return clip(either(lower[..., 0], part, 1 - part), 0.0, 1.0).to(target)
