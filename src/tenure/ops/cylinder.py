"""Elementwise primitives: Bessel functions of order 0 and 1, the modified ones of the second kind, Airy's function.

Their meaning is computed in the next wider format: by integrals, for which the trapezoidal rule converges faster than
any power (NIST DLMF 10.9.2, 10.32.9, 9.5.4), and by the asymptotic series where these serve (10.17, 9.7).
"""

from __future__ import annotations

import math
from typing import Any

from tenure.ir.primitive import Primitive, Rule
from tenure.ir.program import Value
from tenure.ops.declare import REALS, Partial, interval, pointwise
from tenure.ops.gamma import past_zero, special
from tenure.ops.normal import wide
from tenure.ops.pointwise import absolute, cos, less, where

FAR, TERMS, POINTS = 25.0, 30, 160
"""The start of the asymptotic series of J and Y, the terms of a series, the points of an integral."""
FAR_AIRY, TINY = 12.0, 1e-11
EULER = 0.5772156649015328606065
ORDERS = (1, 2)
"""Three times the orders of the functions that Airy's are made of."""


def _pi(np: Any, x: Any) -> Any:
    return 4 * np.arctan(x.dtype.type(1))


def _hankel(np: Any, x: Any, square: Any) -> tuple[Any, Any]:
    """Σ(−1)ᵏ a₂ₖ/x²ᵏ and Σ(−1)ᵏ a₂ₖ₊₁/x²ᵏ⁺¹ (DLMF 10.17.1), ``square`` is 4ν²; terms end where they grow."""
    term, sums = np.ones_like(x), [np.ones_like(x), np.zeros_like(x)]
    for k in range(1, TERMS):
        factor = (square - (2 * k - 1) ** 2) / (8 * k * x)
        term = term * np.where(abs(factor) < 1, factor, 0)
        sums[k % 2] = sums[k % 2] + (term if k % 4 < 2 else -term)
    return sums[0], sums[1]


def _orders(np: Any, x: Any) -> Any:
    """J of orders 0 to 99 of x ≤ 25, as the Fourier coefficients of cos and sin of x·sin t."""
    t = _pi(np, x) * np.arange(2 * POINTS).astype(x.dtype) / POINTS
    n = np.arange(100).astype(x.dtype)
    waves = x[..., None] * np.sin(t)
    return np.cos(waves) @ np.cos(np.outer(t, n)) / (2 * POINTS) + np.sin(waves) @ np.sin(np.outer(t, n)) / (2 * POINTS)


def _first(np: Any, x: Any, n: int) -> Any:
    """Of small numbers by the power series (DLMF 10.2.2), which keeps their digits."""
    a = np.abs(wide(np, x))
    small = np.minimum(a, 1) / 2
    term = total = small**n
    for k in range(1, 12):
        term = -term * small * small / (k * (k + n))
        total = total + term
    near = np.where(a < 1, total, _orders(np, np.minimum(a, FAR))[..., n])
    ans = np.where(a > FAR, _turned(np, np.maximum(a, FAR), n)[0], near)
    return np.asarray(np.where(x < 0, -ans, np.where(x == 0, x, ans)) if n else ans, x.dtype)


def _turned(np: Any, x: Any, n: int) -> tuple[Any, Any]:
    """Jₙ and Yₙ of large numbers."""
    p, q = _hankel(np, x, 4 * n)
    endless = np.isinf(x)
    sine, cosine = (f(np.where(endless, 0, x)) for f in (np.sin, np.cos))
    c, s = (sine - cosine, -sine - cosine) if n else (sine + cosine, sine - cosine)
    size = np.sqrt(_pi(np, x) * x)
    return tuple(np.where(endless, 0, y / size) for y in (p * c - q * s, p * s + q * c))


def _second(np: Any, x: Any, n: int) -> Any:
    """Near by Neumann's series of J (Abramowitz and Stegun, 9.1.89), of order 1 by its derivative."""
    a = np.where(x > 0, wide(np, x), 1)
    near = np.minimum(a, FAR)
    j = _orders(np, near)
    k = np.arange(1, 49)
    weight = np.where(k % 2, -1, 1) / k.astype(near.dtype)
    terms = (np.log(near / 2) + near.dtype.type(EULER)) * j[..., n]
    rest = (j[..., 2 * k - 1] - j[..., 2 * k + 1]) @ weight - j[..., 0] / near if n else -2 * (j[..., 2 * k] @ weight)
    terms = terms + rest
    ans = np.where(a > FAR, _turned(np, np.maximum(a, FAR), n)[1], 2 * terms / _pi(np, near))
    return np.asarray(np.where(x > 0, ans, np.where(x == 0, -np.inf, np.nan)), x.dtype)


def _grown(np: Any, x: Any, order: Any) -> Any:
    """eˣ·K of an order up to 1, of x > 0: ∫₀^∞ exp(x·(1 − cosh t))·cosh(order·t) dt; of tiny x by its leading terms."""
    y = np.clip(x, TINY, 1e150)
    t = np.arccosh(1 + 60 / y)[..., None] * np.arange(401).astype(x.dtype) / 400
    values = np.exp(-2 * y[..., None] * np.sinh(t / 2) ** 2) * np.cosh(order * t)
    values = np.sum(values, axis=-1) - (values[..., 0] + values[..., -1]) / 2
    found = values * t[..., 1]
    tiny = 1 / x if order == 1 else -np.log(x / 2) - x.dtype.type(EULER)
    return np.where(x < TINY, tiny * np.exp(np.minimum(x, 1)), np.where(np.isinf(x), 0, found))


def _decaying(np: Any, x: Any, n: int, scaled: bool) -> Any:
    a = np.where(x > 0, wide(np, x), 1)
    ans = _grown(np, a, n)
    ans = ans if scaled else ans * np.exp(-a)
    return np.asarray(np.where(x > 0, ans, np.where(x == 0, np.inf, np.nan)), x.dtype)


def _exponent(x: Any) -> Any:
    return 2 * x**1.5 / 3


def _airy(np: Any, x: Any, n: int) -> Any:
    """By K of order ⅓ or ⅔ for x > 1; below by an integral along a line, and by the series of J beyond −12."""
    a, third = wide(np, x), wide(np, x).dtype.type(ORDERS[n]) / 3
    right = np.clip(a, 1, 1e100)
    z = _exponent(right)
    decaying = _grown(np, z, third) * np.exp(-z) / _pi(np, a)
    decaying = -right * decaying / np.sqrt(right.dtype.type(3)) if n else decaying * np.sqrt(right / 3)
    left = np.minimum(np.maximum(-a, FAR_AIRY), 1e200)
    z = _exponent(left)
    p, q = _hankel(np, z, 4 * third * third)
    sine, cosine = np.sin(z), np.cos(z)
    c, s = sine + cosine, sine - cosine
    turning = (p * s + q * c) * left**0.25 if n else (p * c - q * s) / left**0.25
    turning = turning / np.sqrt(2 * _pi(np, a))
    turning = np.where(a == -np.inf, np.nan if n else 0, turning)
    ans = np.where(a > 1, decaying, np.where(a < -FAR_AIRY, turning, _contour(np, np.clip(a, -FAR_AIRY, 1), n)))
    return np.asarray(np.where(np.isnan(a), a, ans), x.dtype)


def _contour(np: Any, x: Any, n: int) -> Any:
    """1/2π · ∫ (−z)ⁿ·exp(z³/3 − x·z) dt on z = ½ + i·t."""
    t = np.arange(-3000, 3001).astype(x.dtype) / 300
    turned = t / 4 - t**3 / 3 - x[..., None] * t
    size = np.exp(x.dtype.type(1) / 24 - t * t / 2 - x[..., None] / 2)
    # (−½ − i·t)ⁿ times e to the i·turned, its real part.
    wave = -np.cos(turned) / 2 + t * np.sin(turned) if n else np.cos(turned)
    return np.sum(size * wave, axis=-1) / (600 * _pi(np, x))


def _named(name: str, partial: Partial, ref: Any, *options: Any, domain: Any = REALS) -> Primitive:
    def meaning(np: Any, x: Any) -> Any:
        return ref(np, x, *options)

    rule: Rule = meaning
    return special(name, partial, rule, domain)


def _first_slope(ans: Value, x: Value) -> Value:
    return past_zero(x, 0.5 - 0.1875 * (x * x), bessel_j0(x) - ans / x)


ABOVE = interval(0.2, 6.0)
bessel_j0: Primitive = _named("bessel_j0", lambda ans, x: -bessel_j1(x), _first, 0)
bessel_j1: Primitive = _named("bessel_j1", _first_slope, _first, 1)
bessel_y0: Primitive = _named("bessel_y0", lambda ans, x: -bessel_y1(x), _second, 0, domain=ABOVE)
bessel_y1: Primitive = _named("bessel_y1", lambda ans, x: bessel_y0(x) - ans / x, _second, 1, domain=ABOVE)
modified_bessel_k0: Primitive = _named(
    "modified_bessel_k0", lambda ans, x: -modified_bessel_k1(x), _decaying, 0, False, domain=ABOVE
)
modified_bessel_k1: Primitive = _named(
    "modified_bessel_k1", lambda ans, x: -modified_bessel_k0(x) - ans / x, _decaying, 1, False, domain=ABOVE
)
scaled_modified_bessel_k0: Primitive = _named(
    "scaled_modified_bessel_k0", lambda ans, x: ans - scaled_modified_bessel_k1(x), _decaying, 0, True, domain=ABOVE
)
scaled_modified_bessel_k1: Primitive = _named(
    "scaled_modified_bessel_k1",
    lambda ans, x: ans * (1 - 1 / x) - scaled_modified_bessel_k0(x),
    _decaying,
    1,
    True,
    domain=ABOVE,
)
airy_ai: Primitive = _named("airy_ai", lambda ans, x: airy_ai_slope(x), _airy, 0)
airy_ai_slope: Primitive = _named("airy_ai_slope", lambda ans, x: x * airy_ai(x), _airy, 1)
"""The derivative of Airy's function."""
SPHERICAL_SLOPE = [(-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(1, 12)]


def _spherical_slope(ans: Value, x: Value) -> Value:
    """(cos x − sin x / x) / x; its power series where these cancel."""
    square = x * x
    series = x.coerce(SPHERICAL_SLOPE[-1])
    for coefficient in SPHERICAL_SLOPE[-2::-1]:
        series = series * square + coefficient
    return where(less(absolute(x), x.coerce(1.25)), x * series, (cos(x) - ans) / x)


def _spherical_code(e: Any, x: Any) -> Any:
    """0 at ±∞, where there is no sine."""
    size = e.call("absolute", x)
    ans = e.select(e.compare("==", x, e.number(0, x)), e.number(1, x), e.divide(e.call("sin", x), x))
    return e.select(e.compare("==", size, e.number(math.inf, x)), e.number(0, x), ans)


def _spherical(np: Any, x: Any) -> Any:
    a = wide(np, x)
    still = np.isinf(a) | (a == 0)
    y = np.where(still, 1, a)
    return np.asarray(np.where(still, np.where(a == 0, 1, 0), np.sin(y) / y), x.dtype)


spherical_bessel_j0 = pointwise(
    "spherical_bessel_j0",
    lower=_spherical_code,
    heavy=True,
    ref=_spherical,
    partials=(_spherical_slope,),
    domain=(REALS,),
    dtypes="f",
)
"""sin(x) / x, and 1 at 0."""
