"""Elementwise primitives: erfc, the inverse of erf, the logarithm of the gamma function and its derivatives, modified
Bessel functions.

NumPy has none of them: their meaning is computed with the C library, or by series in the next wider format.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from tenure.ir.primitive import Primitive, Rule
from tenure.ir.program import Value
from tenure.ops.declare import POSITIVE, REALS, Partial, interval, pointwise
from tenure.ops.normal import exp_product, wide
from tenure.ops.pointwise import absolute, less, sign, where


def past_zero(x: Value, near: Value, far: Value) -> Value:
    """A slope whose terms cancel near 0, where the first of its series do."""
    return where(less(absolute(x), x.coerce(1e-8)), near, far)


ROOT_PI = math.sqrt(math.pi)


def special(name: str, partial: Partial, ref: Rule, domain: Any = REALS, **more: Any) -> Primitive:
    """A function of one operand with code of its own."""
    return pointwise(
        name,
        lower=lambda e, x, **params: e.call(name, x, **params),
        heavy=True,
        ref=ref,
        partials=(partial,),
        domain=(domain,),
        dtypes="f",
        **more,
    )


def _by_element(function: Any) -> Rule:
    """The meaning of a function of Python's floats."""
    return lambda np, x: np.asarray(np.frompyfunc(function, 1, 1)(x.astype(float)), x.dtype)


def _erfinv(y: float) -> float:
    """By Newton's steps from S. Winitzki's approximation, on the tail's own digits where y is near 1."""
    size = abs(y)
    if not 1e-9 < size < 1:
        return math.copysign(math.inf, y) if size == 1 else math.nan if size > 1 else y * ROOT_PI / 2
    half = math.log((1 - size) * (1 + size)) / 2
    a = 2 / (0.147 * math.pi) + half
    x = math.sqrt(math.sqrt(a * a - 2 * half / 0.147) - a)
    for _ in range(6):
        error = math.erf(x) - size if size < 0.5 else (1 - size) - math.erfc(x)
        x -= error * ROOT_PI / 2 * math.exp(x * x)
    return math.copysign(x, y)


def _lgamma(x: float) -> float:
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):
        return math.inf


BERNOULLI = [Fraction(p, q) for p, q in ((1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6))]


def _polygamma(np: Any, x: Any, n: int) -> Any:
    """By the recurrence to 20 + n and the sum of Euler and Maclaurin; reflected below 0, by that of r = x − round x."""

    def above(y: Any) -> Any:
        total = 0 * y
        for _ in range(22 + n):
            step = y < 20 + n
            total = total + np.where(step, y ** -(n + 1.0), 0)
            y = np.where(step, y + 1, y)
        total = total + (y ** -float(n) / n if n else -np.log(y)) + y ** -(n + 1.0) / 2
        for k, b in enumerate(BERNOULLI, 1):
            share = b * math.factorial(n + 2 * k - 1) / math.factorial(2 * k) / math.factorial(n)
            total = total + y ** -(n + 2.0 * k) * share.numerator / share.denominator
        return total * math.factorial(n) * (1 if n % 2 else -1)

    z, odd = wide(np, x), -1 if n % 2 else 1
    z = np.where(z == 0, 0.0, z) if n else z
    r = z - np.rint(z)
    below = odd * (above(1 - np.minimum(z, 0)) - above(1 - r)) + above(r)
    pole = np.where(np.logical_and(z < 0, r == 0), (np.nan if n == 0 else -odd * np.inf), below)
    pole = np.where(np.isinf(z), np.nan, pole)
    ans = np.where(z < 0, pole, above(np.where(z < 0, 1, z)))
    return np.asarray(np.where(z == np.inf, np.inf if n == 0 else 0.0, ans), x.dtype)


def _bessel(np: Any, x: Any, n: int, scaled: bool) -> Any:
    """The power series up to 30, beyond it the asymptotic one (Abramowitz and Stegun, 9.6.10, 9.7.1)."""
    a = np.abs(wide(np, x))
    near, far = np.minimum(a, 30), np.maximum(a, 30)
    term = total = (near / 2) ** n
    last = series = np.ones_like(far)
    for k in range(1, 120):
        term = term * (near / 2) ** 2 / (k * (k + n))
        total = total + term
    for k in range(1, 40):
        last = last * ((2 * k - 1) ** 2 - 4 * n * n) / (8 * k * far)
        series = series + last
    series = series / np.sqrt(8 * np.arctan(np.ones_like(far)) * far)
    if scaled:
        total = total * np.exp(-near)
    else:
        series = np.where(np.isinf(far), np.inf, series * np.exp(np.minimum(far, 1e4)))
    ans = np.where(np.logical_and(scaled, np.isinf(a)), 0.0, np.where(a > 30, series, total))
    return np.asarray(ans if n == 0 else np.copysign(ans, x), x.dtype)


erfc = special("erfc", lambda ans, x: exp_product(-x, x) * (-2 / ROOT_PI), _by_element(math.erfc))
"""1 − erf(x)."""
erfinv = special(
    "erfinv",
    lambda ans, x: exp_product(ans, ans) * (ROOT_PI / 2),
    _by_element(_erfinv),
    interval(-0.9, 0.9),
)
lgamma = special("lgamma", lambda ans, x: digamma(x), _by_element(_lgamma), POSITIVE)
"""log |Γ(x)|."""
digamma: Primitive = special("digamma", lambda ans, x: polygamma(x, n=1), lambda np, x: _polygamma(np, x, 0), POSITIVE)
polygamma: Primitive = special(
    "polygamma",
    lambda ans, x, n: polygamma(x, n=n + 1),
    lambda np, x, n: _polygamma(np, x, n),
    POSITIVE,
    params=({"n": 1}, {"n": 2}),
)
"""The n-th derivative of digamma, n ≥ 1."""
i0: Primitive = special("i0", lambda ans, x: i1(x), lambda np, x: _bessel(np, x, 0, False))
i1: Primitive = special(
    "i1",
    lambda ans, x: past_zero(x, 0.5 + 0.1875 * (x * x), i0(x) - ans / x),
    lambda np, x: _bessel(np, x, 1, False),
)
i0e: Primitive = special("i0e", lambda ans, x: i1e(x) - sign(x) * ans, lambda np, x: _bessel(np, x, 0, True))
i1e: Primitive = special(
    "i1e",
    lambda ans, x: past_zero(x, 0.5 - absolute(x), i0e(x) - ans * (sign(x) + 1 / x)),
    lambda np, x: _bessel(np, x, 1, True),
)
