"""Derivatives of random numbers by the parameters of their distribution, at a fixed probability.

The quantile x of a probability p moves with a parameter a so that F(x; a) = p stays true: ∂x/∂a = −(∂F/∂a) / (∂F/∂x)
(Figurnov, Mohamed, Mnih, "Implicit reparameterization gradients", NeurIPS 2018).
"""

from __future__ import annotations

import math
from typing import Any

from tenure.dtypes import float64
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops import angles, gamma, move, reduce
from tenure.ops.declare import POSITIVE, broadcast_like, interval, pointwise
from tenure.ops.gamma import digamma, polygamma
from tenure.ops.pointwise import absolute, cos, exp, greater, less, log, minimum, sin, sqrt, where
from tenure.ops.promote import as_type, stop
from tenure.ops.special import sigmoid

FIRST, LAST = -3.4, 4.4
"""The range of the variable over which the integral is taken as a sum."""
COARSE, FINE = 1 / 7, 1 / 13
"""Steps for float32 and float64: the sum is right to 10⁻⁷ and to 10⁻¹¹."""


def nodes(step: float) -> tuple[list[float], list[float]]:
    """The points of the sum and their weights."""
    at = [FIRST + k * step for k in range(int((LAST - FIRST) / step))]
    points = [math.exp(t - math.exp(-t)) for t in at]
    return points, [step * x * (1 + math.exp(-t)) for x, t in zip(points, at, strict=True)]


def cumulants(above: Any, slope: Any, n: int) -> Any:
    """(∂ⁿf/∂aⁿ) / f for a density f, from the derivatives of log f by a: the first, and the k-th by ``slope(k)``. It
    is the n-th complete Bell polynomial."""
    found: list[Any] = [1.0]
    for m in range(n):
        total = found[m] * above
        for k in range(1, m + 1):
            total = total + math.comb(m, k) * (found[m - k] * slope(k))
        found.append(total)
    return found[n]


def _gamma_slope(np: Any, a: Any, x: Any, n: int, logarithm: bool) -> Any:
    """By the sum that ``compile.math.implicit`` describes."""
    dtype, shape = x.dtype, np.broadcast_shapes(a.shape, x.shape)
    a, x = (np.broadcast_to(v.astype(np.float64), shape) for v in (a, x))
    y = x if logarithm else np.log(x)
    ans, _ = _tail(np, a, np.exp(y), y, n, COARSE if dtype.itemsize == 4 else FINE)
    return np.asarray(ans if logarithm else ans * x, dtype)


def _tail(np: Any, a: Any, size: Any, y: Any, n: int, step: float) -> tuple[Any, Any]:
    """The integral at ``size``, whose logarithm is y, and whether it goes over w < 0."""
    lower = size < np.where(a < 1, 1.5, a)
    rate = np.abs(a - size) + np.sqrt(size)
    rate = np.where(lower, np.where(a < 1, a, np.minimum(a, rate)), rate)
    side = np.where(lower, -1.0, 1.0)
    psi = digamma.ref(np, a) if n else 0.0
    more = {k: -polygamma.ref(np, a, n=k) for k in range(1, n)}
    total = np.zeros(a.shape)
    for point, weight in zip(*nodes(step), strict=True):
        w = side * (point / rate)
        total = total + weight * np.exp(a * w - size * np.expm1(w)) * cumulants(y - psi + w, more.__getitem__, n)
    return side * total / rate, lower


def _gammainc(np: Any, a: Any, x: Any, upper: bool) -> Any:
    """By the same sum, over the density alone."""
    dtype, shape = x.dtype, np.broadcast_shapes(a.shape, x.shape)
    a, x = (np.broadcast_to(v.astype(np.float64), shape) for v in (a, x))
    y = np.log(x)
    integral, lower = _tail(np, a, x, y, 0, COARSE if dtype.itemsize == 4 else FINE)
    share = integral * np.exp(a * y - x - gamma.lgamma.ref(np, a))
    ans = np.where(lower, 1 + share, share) if upper else np.where(lower, -share, 1 - share)
    start, end = (x == 0) | np.isposinf(a), (a == 0) | np.isposinf(x)
    ans = np.where(start, float(upper), np.where(end, 1.0 - upper, ans))
    return np.asarray(np.where((a < 0) | (x < 0) | (start & end) | np.isnan(a + x), np.nan, ans), dtype)


def _by_concentration(ans: Value, a: Value, x: Value, *, n: int, logarithm: bool) -> Value:
    y = x if logarithm else log(x)
    return gamma_slope(a, x, n=n + 1, logarithm=logarithm) - ans * (y - digamma(a))


def _by_sample(ans: Value, a: Value, x: Value, *, n: int, logarithm: bool) -> Value:
    """−(∂ⁿf/∂aⁿ) / f less the slope along the logarithm of the density f."""
    y = x if logarithm else log(x)
    along = a - exp(x) if logarithm else (a - 1) / x - 1
    known: Value = cumulants(y - digamma(a), lambda k: -polygamma(a, n=k), n)
    return -known - ans * along


gamma_slope: Primitive = pointwise(
    "gamma_slope",
    lower=lambda e, a, x, **params: e.call("gamma_slope", a, x, **params),
    heavy=True,
    ref=_gamma_slope,
    partials=(_by_concentration, _by_sample),
    domain=(POSITIVE, interval(0.2, 3.0)),
    dtypes="f",
    params=({"n": 1, "logarithm": False}, {"n": 1, "logarithm": True}, {"n": 2, "logarithm": False}),
)
"""−(∂ⁿF/∂aⁿ) / f of the distribution function F and the density f of the gamma distribution of concentration a at x, or
of its logarithm at x; for n = 1 the derivative of a quantile by the concentration."""


def _density(a: Value, x: Value) -> Value:
    """The density of the gamma distribution."""
    return exp((a - 1) * log(x) - x - gamma.lgamma(a))


def _signed(slope: Value, upper: bool) -> Value:
    return -slope if upper else slope


gammainc: Primitive = pointwise(
    "gammainc",
    lower=lambda e, a, x, **params: e.call("gammainc", a, x, **params),
    heavy=True,
    ref=_gammainc,
    partials=(
        lambda ans, a, x, *, upper: _signed(-(gamma_slope(a, x, n=1, logarithm=False) * _density(a, x)), upper),
        lambda ans, a, x, *, upper: _signed(_density(a, x), upper),
    ),
    domain=(POSITIVE, interval(0.2, 3.0)),
    dtypes="f",
    params=({"upper": False}, {"upper": True}),
)
"""The distribution function of the gamma distribution of concentration a at x; ``upper``: 1 less it."""

POINTS, REACH = 64, 3.1
"""The points of the integral of ``von_mises_slope``, and how far they go (tanh-sinh, Takahasi and Mori, 1974)."""


def von_mises_slope(ans: Value, kappa: Value) -> Value:
    """The derivative by the concentration of an angle ``ans`` of the von Mises distribution around 0.

    With A = I₁(κ) / I₀(κ) it is ∓∫ exp(κ·(cos t − cos x))·(cos t − A) dt from 0 to x or, as both together are 0, from x
    to π; of the two the one that has one sign. In primitives, so that it has derivatives of its own.
    """
    kappa, x = (as_type(v, float64) for v in (kappa, ans))
    kappa, x = (move.reshape(broadcast_like(v, ans), shape=(*ans.shape, 1)) for v in (kappa, x))
    size = absolute(x)
    mean = gamma.i1e(kappa) / gamma.i0e(kappa)
    near = greater(cos(size), mean)
    rest = 3.141592653589793 - size
    reach = stop(40 / (kappa * sin(size) + 4.5 * sqrt(kappa)))
    zero = x.coerce(0)
    start = where(near, zero, size)
    width = where(near, size, minimum(rest, reach))
    k = x.builder.emit(move.iota, (), {"length": POINTS, "dtype": float64})
    s = (k - (POINTS - 1) / 2) * (2 * REACH / (POINTS - 1))
    share = sigmoid(angles.sinh(s) * math.pi)
    weight = angles.cosh(s) * share * (1 - share) * (math.pi * 2 * REACH / (POINTS - 1))
    t = start + width * share
    fall = -2 * sin((t + size) * 0.5) * sin((t - size) * 0.5)
    half = sin(t * 0.5)
    terms = exp(kappa * fall) * ((1 - mean) - 2 * half * half) * weight
    total = reduce.reduce_sum(terms, axes=(ans.ndim,))
    turned = where(less(x * where(near, x.coerce(-1), x.coerce(1)), zero), x.coerce(-1), x.coerce(1)) * width
    return as_type(move.reshape(turned, shape=ans.shape) * total, ans.dtype)
