"""Bessel functions J, Y of order 0 and 1, the modified ones of the second kind, and Airy's function with its slope.

Near the origin polynomials over the factors of their zeros, beyond it a cosine and a sine of the argument with
polynomials as factors, or an exponential with one. Beside a zero beyond 8 (of Airy's, below −5) the error is that of
the function's size elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from llvmlite import ir

from tenure.compile.math import coefficients
from tenure.compile.math import cylinder_constants as c
from tenure.compile.math.bessel import near as grown
from tenure.compile.math.exponential import exp
from tenure.compile.math.lanes import Lanes
from tenure.compile.math.logarithm import log
from tenure.compile.math.trigonometric import cos, sin
from tenure.compile.math.widened import in_double

__all__ = ["CYLINDER"]

NEAR, NEAR_Y, NEAR_K = 8.0, 4.0, 2.0
PARTS = ((-5.0, -2.0), (-2.0, 0.5), (0.5, 2.0))
"""The parts of Airy's first form."""
LAST = 1e200
"""Numbers beyond have the phase of this one in Airy's functions, as they are too far apart to have one."""


def _over_zeros(v: Lanes, x: ir.Value, ans: ir.Value, roots: tuple[tuple[float, float], ...], both: bool) -> ir.Value:
    """ans times the factors of the zeros, and of their opposites."""
    for high, low in roots:
        ans = v.mul(ans, v.sub(v.sub(x, high), low))
        ans = v.mul(ans, v.add(v.add(x, high), low)) if both else ans
    return ans


def _first(v: Lanes, x: ir.Value, n: int) -> ir.Value:
    """Jₙ(x) for 0 ≤ x ≤ 8."""
    t = v.fma(v.mul(x, x), 2 / NEAR**2, -1.0)
    ans = _over_zeros(v, x, v.horner(t, (c.J0_NEAR, c.J1_NEAR)[n]), (c.J0_ROOTS, c.J1_ROOTS)[n], True)
    return v.mul(ans, x) if n else ans


def _far(v: Lanes, x: ir.Value, n: int, second: bool) -> ir.Value:
    """Jₙ(x) or Yₙ(x) for x ≥ 8: by the cosine and the sine of x − (2n + 1)·π/4."""
    inverse = v.div(1.0, x)
    eighth = v.mul(inverse, NEAR)
    w = v.mul(eighth, eighth)
    p = v.horner(w, (c.J0_COSINE, c.J1_COSINE)[n])
    q = v.mul(inverse, v.horner(w, (c.J0_SINE, c.J1_SINE)[n]))
    sine, cosine = sin(v.b, x), cos(v.b, x)
    total, less = v.add(sine, cosine), v.sub(sine, cosine)
    turned = (less, v.neg(total)) if n else (total, less)
    ans = v.fma(p, turned[1], v.mul(q, turned[0])) if second else v.fma(p, turned[0], v.neg(v.mul(q, turned[1])))
    ans = v.div(ans, v.call("sqrt", v.mul(x, math.pi)))
    return v.select(v.compare("==", x, math.inf), 0.0, ans)


def first(v: Lanes, x: ir.Value, n: int) -> ir.Value:
    """Jₙ(x)."""
    size = v.fabs(x)
    ans = v.select(v.compare("<=", size, NEAR), _first(v, size, n), _far(v, size, n, False))
    ans = v.select(v.unordered(x), x, ans)
    if not n:
        return ans
    return v.select(v.compare("<", x, 0.0), v.neg(ans), v.select(v.compare("==", x, 0.0), x, ans))


def second(v: Lanes, x: ir.Value, n: int) -> ir.Value:
    """Yₙ(x); −∞ at 0, NaN below."""
    t = v.fma(v.mul(x, x), 2 / NEAR_Y**2, -1.0)
    rest = v.horner(t, (c.Y0_NEAR, c.Y1_NEAR)[n])
    terms = v.mul(_first(v, x, n), log(v.b, x))
    terms = v.sub(terms, v.div(1.0, x)) if n else terms
    near = v.fma(terms, 2 / math.pi, v.mul(rest, x) if n else rest)
    between = v.horner(v.fma(x, 0.5, -3.0), (c.Y0_BETWEEN, c.Y1_BETWEEN)[n])
    near = v.select(v.compare("<=", x, NEAR_Y), near, between)
    ans = v.select(v.compare("<=", x, NEAR), near, _far(v, x, n, True))
    return _ends(v, x, ans, -math.inf)


def _ends(v: Lanes, x: ir.Value, ans: ir.Value, pole: float) -> ir.Value:
    """A function that has a pole at 0, and no number below."""
    ans = v.select(v.compare("==", x, 0.0), pole, v.select(v.unordered(x), x, ans))
    return v.select(v.compare("<", x, 0.0), math.nan, ans)


def decaying(v: Lanes, x: ir.Value, n: int, scaled: bool) -> ir.Value:
    """Kₙ(x), or eˣ·Kₙ(x); ∞ at 0, NaN below."""
    t = v.fma(v.mul(x, x), 2 / NEAR_K**2, -1.0)
    logarithm = log(v.b, v.mul(x, 0.5))
    rest, grows = v.horner(t, (c.K0_NEAR, c.K1_NEAR)[n]), grown(v, x, n)
    near = v.fma(logarithm, grows, v.div(rest, x)) if n else v.sub(rest, v.mul(logarithm, grows))
    far = v.horner(v.sub(v.div(2 * NEAR_K, x), 1.0), (c.K0_FAR, c.K1_FAR)[n])
    far = v.div(far, v.call("sqrt", x))
    low = v.compare("<=", x, NEAR_K)
    factor = exp(v.b, v.select(low, x, v.neg(x)) if scaled else v.neg(x))
    near, far = (v.mul(near, factor), far) if scaled else (near, v.mul(far, factor))
    return _ends(v, x, v.select(low, near, far), math.inf)


def _exponent(v: Lanes, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """2/3·x^(3/2) as a sum of two floats."""
    root = v.call("sqrt", x)
    lost = v.div(v.fma(v.neg(root), root, x), v.mul(root, 2.0))
    high, low = v.two_product(x, root)
    low = v.fma(x, lost, low)
    ans, rest = v.two_product(high, coefficients.TWO_THIRDS[0])
    return ans, v.add(rest, v.fma(high, coefficients.TWO_THIRDS[1], v.mul(low, coefficients.TWO_THIRDS[0])))


def airy(v: Lanes, x: ir.Value, n: int) -> ir.Value:
    """Airy's function Ai(x), or its slope."""
    size = v.at_most(v.fabs(x), LAST)
    exponent, lost = _exponent(v, size)
    quarter = v.call("sqrt", v.call("sqrt", size))
    scale = quarter if n else v.div(1.0, quarter)
    ends = PARTS[0][0], PARTS[-1][1]
    decays = _decaying(v, exponent, lost, n, _exponent_of(ends[1]))
    turns = _turning(v, exponent, lost, n, _exponent_of(-ends[0]))
    turns = v.mul(v.mul(turns, scale), math.sqrt(0.5 / math.pi))
    turns = v.select(v.compare("==", x, -math.inf), math.nan if n else 0.0, turns)
    near = _airy_near(v, x, n)
    ans = v.select(v.compare(">", x, ends[1]), v.mul(decays, scale), near)
    ans = v.select(v.compare("<", x, ends[0]), turns, ans)
    return v.select(v.unordered(x), x, ans)


def _exponent_of(x: float) -> float:
    return 2 / 3 * x * math.sqrt(x)


def _decaying(v: Lanes, exponent: ir.Value, lost: ir.Value, n: int, start: float) -> ir.Value:
    """exp(−z) times its factor."""
    far = v.horner(v.sub(v.div(2 * start, exponent), 1.0), (c.AI_FAR, c.AI_SLOPE_FAR)[n])
    decay = exp(v.b, v.neg(exponent))
    return v.mul(v.fma(v.neg(lost), decay, decay), far)


def _turning(v: Lanes, exponent: ir.Value, lost: ir.Value, n: int, start: float) -> ir.Value:
    """The cosine and the sine of z − π/4 times their factors, and √2."""
    inverse = v.div(1.0, exponent)
    w = v.mul(inverse, start)
    w = v.mul(w, w)
    p = v.horner(w, (c.AI_COSINE, c.AI_SLOPE_COSINE)[n])
    q = v.mul(inverse, v.horner(w, (c.AI_SINE, c.AI_SLOPE_SINE)[n]))
    sine, cosine = sin(v.b, exponent), cos(v.b, exponent)
    sine, cosine = v.fma(lost, cosine, sine), v.fma(v.neg(lost), sine, cosine)
    total, less = v.add(sine, cosine), v.sub(sine, cosine)
    return v.fma(p, less, v.neg(v.mul(q, total))) if n else v.fma(p, total, v.mul(q, less))


def _airy_near(v: Lanes, x: ir.Value, n: int) -> ir.Value:
    """By the polynomials of the parts."""
    tables = ((c.AI_LEFT, c.AI_MIDDLE, c.AI_RIGHT), (c.AI_SLOPE_LEFT, c.AI_SLOPE_MIDDLE, c.AI_SLOPE_RIGHT))[n]
    ans = v.number(0.0)
    for (low, high), table in reversed(list(zip(PARTS, tables, strict=True))):
        part = v.horner(v.mul(v.sub(x, (low + high) / 2), 2 / (high - low)), table)
        roots = tuple([r for r in (c.AI_ROOTS, c.AI_SLOPE_ROOTS)[n] if low < r[0] < high])
        part = _over_zeros(v, x, part, roots, False)
        ans = part if high == PARTS[-1][1] else v.select(v.compare("<", x, high), part, ans)
    return ans


def _named(name: str, emit: Callable[..., ir.Value], *options: int) -> tuple[str, Callable[..., ir.Value]]:
    return name, in_double(lambda v, x: emit(v, x, *options))


CYLINDER: dict[str, Callable[..., ir.Value]] = dict(
    [
        *[_named(f"bessel_j{n}", first, n) for n in (0, 1)],
        *[_named(f"bessel_y{n}", second, n) for n in (0, 1)],
        *[_named(f"modified_bessel_k{n}", decaying, n, False) for n in (0, 1)],
        *[_named(f"scaled_modified_bessel_k{n}", decaying, n, True) for n in (0, 1)],
        _named("airy_ai", airy, 0),
        _named("airy_ai_slope", airy, 1),
    ]
)
"""By the name of the primitive. They branch, where they have a sine."""
