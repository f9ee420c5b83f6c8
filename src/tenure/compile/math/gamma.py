"""The logarithm of the gamma function and its derivatives.

Up to a limit the argument is moved by the recurrence Γ(x + 1) = x·Γ(x) to where a polynomial serves, beyond it there is
Stirling's series (Abramowitz and Stegun, 6.1.40, 6.3.18; for polygamma the sum of Euler and Maclaurin, 23.1.30).
Negative arguments are reflected (6.1.17, 6.3.7, 6.4.7).
"""

from __future__ import annotations

import math
from fractions import Fraction

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.lanes import Lanes
from tenure.compile.math.logarithm import log
from tenure.compile.math.power import extended_log
from tenure.compile.math.trigonometric import cos, sin
from tenure.compile.math.widened import in_double

__all__ = ["digamma", "lgamma", "polygamma", "sinc"]

BERNOULLI = (
    Fraction(1, 6), Fraction(-1, 30), Fraction(1, 42), Fraction(-1, 30), Fraction(5, 66), Fraction(-691, 2730),
    Fraction(7, 6), Fraction(-3617, 510), Fraction(43867, 798), Fraction(-174611, 330),
)  # fmt: skip
"""B₂, B₄, … (Abramowitz and Stegun, table 23.2)."""


@in_double
def lgamma(v: Lanes, x: ir.Value) -> ir.Value:
    """log |Γ(x)|; +∞ at 0, at negative whole numbers and at ±∞. It branches.

    Below 0 it is −log(|sin πx| / π) − log Γ(1 − x), which near the zeros there has the error of its terms.
    """
    below = v.compare("<", x, 0.0)
    size = v.fabs(x)
    ans = _lgamma_above(v, v.select(below, v.sub(1.0, x), size))
    sine, _ = _turned(v, x)
    reflected = v.sub(v.neg(log(v.b, v.div(v.fabs(sine), math.pi))), ans)
    ans = v.select(below, reflected, ans)
    ends = v.b.or_(v.compare("==", size, math.inf), v.compare("==", size, 0.0))
    return v.select(ends, math.inf, v.select(v.unordered(x), x, ans))


def _lgamma_above(v: Lanes, x: ir.Value) -> ir.Value:
    """log Γ(x) for x > 0: by u·(u + 1)·p(u) with x = 2 + u, |u| ≤ ½, and the logarithm of what the moves multiply."""
    y, factor = x, v.number(1.0)
    for _ in range(6):
        step = v.compare(">=", y, 2.5)
        y = v.select(step, v.sub(y, 1.0), y)
        factor = v.select(step, v.mul(factor, y), factor)
    low, lowest = v.compare("<", x, 1.5), v.compare("<", x, 0.5)
    u = v.select(lowest, x, v.select(low, v.sub(x, 1.0), v.sub(y, 2.0)))
    above = v.add(u, 1.0)
    above = v.select(v.b.and_(low, v.b.not_(lowest)), x, above)
    factor = v.select(lowest, v.fma(x, x, x), v.select(low, x, factor))
    large = v.compare(">=", x, 8.0)
    high, rest = extended_log(v, v.select(large, x, factor))
    near = _near_two(v, u, above, v.select(low, v.neg(high), high), v.select(low, v.neg(rest), rest))
    inverse = v.div(1.0, x)
    series = v.mul(inverse, v.horner(v.mul(inverse, inverse), c.STIRLING_DOUBLE))
    less, lost = v.two_sum(high, -1.0)
    half = v.sub(x, 0.5)
    # (x − ½)·log x − x + log(2π)/2 without the difference of large terms.
    constant = math.log(2 * math.pi) / 2 - 0.5
    far = v.fma(half, less, v.fma(half, v.add(rest, lost), v.add(series, constant)))
    return v.select(large, far, near)


def _near_two(v: Lanes, u: ir.Value, above: ir.Value, high: ir.Value, rest: ir.Value) -> ir.Value:
    """u·(u + 1)·p(u) + high + rest, which may cancel."""
    factor, lost = v.two_product(u, above)
    p = v.horner(u, c.LGAMMA_DOUBLE)
    product, product_lost = v.two_product(factor, p)
    total, total_lost = v.two_sum(product, high)
    return v.add(total, v.add(v.add(total_lost, product_lost), v.fma(lost, p, rest)))


def _turned(v: Lanes, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """±sin πx and ±cos πx, both with the same sign, by the distance of x from a whole number."""
    r = v.mul(v.sub(x, v.call("roundeven", x)), math.pi)
    return sin(v.b, r), cos(v.b, r)


@in_double
def sinc(v: Lanes, x: ir.Value) -> ir.Value:
    """sin(πx) / (πx), and 1 at 0. It branches."""
    sine, _ = _turned(v, x)
    half = v.mul(v.call("roundeven", x), 0.5)
    odd = v.compare("!=", v.call("floor", half), half)
    ans = v.div(v.select(odd, v.neg(sine), sine), v.mul(x, math.pi))
    return v.select(v.compare("==", x, 0.0), 1.0, ans)


@in_double
def digamma(v: Lanes, x: ir.Value) -> ir.Value:
    """Γ'(x) / Γ(x); ∓∞ at ±0, NaN at negative whole numbers and −∞. It branches."""
    below = v.compare("<", x, 0.0)
    y = v.select(below, v.sub(1.0, x), x)
    low, large = v.compare("<", y, 1.0), v.compare(">=", y, 10.0)
    inverse = v.div(1.0, y)
    square = v.mul(inverse, inverse)
    far = v.fma(square, v.horner(square, c.DIGAMMA_FAR), v.fma(inverse, -0.5, log(v.b, y)))
    total = v.select(low, v.neg(inverse), 0.0)
    near = v.select(low, v.add(y, 1.0), y)
    for _ in range(8):
        step = v.compare(">", near, 2.0)
        near = v.select(step, v.sub(near, 1.0), near)
        total = v.select(step, v.add(total, v.div(1.0, near)), total)
    root, lost = c.DIGAMMA_ROOT
    away = v.sub(v.sub(near, root), lost)
    near = v.fma(away, v.horner(v.sub(near, 1.5), c.DIGAMMA_DOUBLE), total)
    ans = v.select(large, far, near)
    sine, cosine = _turned(v, x)
    reflected = v.sub(ans, v.div(v.mul(cosine, math.pi), sine))
    reflected = v.select(v.compare("==", sine, 0.0), math.nan, reflected)
    return v.select(below, reflected, ans)


def polygamma(b: ir.IRBuilder, x: ir.Value, n: int) -> ir.Value:
    """The n-th derivative of digamma, n ≥ 1, in whose code n is a constant. It branches."""
    return in_double(lambda v, x: _polygamma(v, x, n))(b, x)


def _polygamma(v: Lanes, x: ir.Value, n: int) -> ir.Value:
    """(−1)ⁿ⁺¹·n!·Σ (x + k)⁻ⁿ⁻¹, the first terms as they are, the others by the sum of Euler and Maclaurin."""
    below = v.compare("<", x, 0.0)
    y = v.select(below, v.sub(1.0, x), x)
    count = 10 + n
    inverse = v.div(1.0, v.add(y, float(count)))
    square = v.mul(inverse, inverse)
    terms = [
        float(b * math.factorial(n + 2 * k + 1) / math.factorial(2 * k + 2) / math.factorial(n))
        for k, b in enumerate(BERNOULLI)
    ]
    rest = v.fma(square, v.horner(square, terms), v.fma(inverse, 0.5, 1 / n))
    total = v.mul(_whole_power(v, inverse, n), rest)
    for k in reversed(range(count)):
        total = v.add(total, _whole_power(v, v.div(1.0, v.add(y, float(k))), n + 1))
    size = float(math.factorial(n))
    ans = v.mul(total, size if n % 2 else -size)
    sine, cosine = _turned(v, x)
    other = v.mul(v.horner(v.div(cosine, sine), _cotangent_derivative(n)), -(math.pi ** (n + 1)))
    return v.select(below, v.add(other, v.neg(ans) if n % 2 else ans), ans)


def _cotangent_derivative(n: int) -> list[float]:
    """The coefficients of the polynomial in cot t that is the n-th derivative of cot t."""
    p = [0, 1]
    for _ in range(n):
        slope = [k * a for k, a in enumerate(p)][1:]
        p = [-(a + b) for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    return [float(a) for a in p]


def _whole_power(v: Lanes, x: ir.Value, n: int) -> ir.Value:
    """xⁿ for a constant n ≥ 1."""
    if n == 1:
        return x
    half = _whole_power(v, v.mul(x, x), n // 2)
    return v.mul(half, x) if n % 2 else half
