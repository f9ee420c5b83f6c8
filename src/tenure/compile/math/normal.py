"""The normal distribution function Φ, to its last digits on the left too, where it is as small as floats are; erfc, and
the same without the exponential, erfcx.

Φ(−a) with a = |x|, of which Φ(a) is the rest. In float32 by parts, each with a polynomial of its own about its middle,
whose coefficients a lane picks; lanes further left, where there are any, by an outlined function. That, and float64,
as exp(−a²/2) times Mills' ratio (over √(2π)): again by parts, and in float64 a polynomial in (a − s) / (a + s).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.exponential import exp_product, reduced_exp, scale
from tenure.compile.math.lanes import Builder, Lanes, element, outlined
from tenure.compile.math.tables import SIZE, pick
from tenure.compile.math.widened import in_double

__all__ = ["erfc", "erfcx", "ndtr"]

ASYMPTOTIC = 27.0
"""From here on the asymptotic series of erfcx has all digits (Abramowitz and Stegun, 7.1.23)."""
LAST_SINGLE = 14.25
"""From here on Φ(−a) is 0 in float32."""


def ndtr(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """Φ(x) = erfc(−x/√2) / 2. In float32 it branches, so the builder is left in another basic block."""
    v = Lanes(b, x.type)
    size = v.fabs(x)
    tail = _by_parts(v, size) if v.single else _by_exponential(v, size)
    near = v.select(v.compare("<", x, 0.0), tail, v.sub(1.0, tail))
    if not v.single:
        return near
    return v.rarely(v.compare("<", x, -c.NORMAL_NEAR), near, _left_of_parts(b, x.type), x)


def _by_parts(v: Lanes, size: ir.Value) -> ir.Value:
    """Φ(−size), up to NORMAL_NEAR to its last digits, beyond to those of 1 − Φ(−size)."""
    a = v.at_most(size, (SIZE - 0.75) * c.NORMAL_PART)
    r, coefficients = _parted(v, a, c.NORMAL_PART, c.NORMAL_PARTS)
    return _polynomial(v, r, coefficients)


def _parted(v: Lanes, a: ir.Value, part: float, rows: Sequence[Sequence[float]]) -> tuple[ir.Value, list[ir.Value]]:
    """a less the nearest multiple of a part, and the coefficients of that part."""
    rounded = v.fma(a, 1 / part, v.format.magic)
    r = v.fma(v.sub(rounded, v.format.magic), -part, a)
    return r, [pick(v, row, v.bits(rounded)) for row in rows]


def _polynomial(v: Lanes, r: ir.Value, coefficients: Sequence[ir.Value]) -> ir.Value:
    """Σ cₖ·rᵏ, of coefficients by lanes."""
    *lower, ans = coefficients
    for coefficient in reversed(lower):
        ans = v.fma(ans, r, coefficient)
    return ans


def _by_exponential(v: Lanes, size: ir.Value) -> ir.Value:
    """Φ(−size) by Mills' ratio."""
    a = v.at_most(size, 39.0)
    return _times_exponential(v, a, *_mills(v, a, v.number(0.0)))


def _mills(v: Lanes, a: ir.Value, low: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Mills' ratio R(a + low) and its low part: q·p(t) with q = 1 / (a + s), t = 1 − 2s·q, corrected by R' = a·R −
    1/√(2π)."""
    total, lost = v.two_sum(a, c.MILLS_SHIFT)
    q = v.div(1.0, total)
    flat, rounding = _flat_ratio(v, v.fma(q, -2 * c.MILLS_SHIFT, 1.0))
    ratio = v.mul(q, flat)
    rest = v.fma(q, rounding, v.fma(q, flat, v.neg(ratio)))
    # What q and the sum lost, as a change of a.
    change = v.mul(v.fma(v.neg(q), lost, v.fma(v.neg(q), total, 1.0)), total)
    return ratio, v.fma(v.fma(v.neg(a), ratio, c.NORMAL_DENSITY), v.sub(change, low), rest)


@in_double
def erfc(v: Lanes, x: ir.Value) -> ir.Value:
    """1 − erf(x), as 2·Φ(−√2·x)."""
    size = v.at_most(v.fabs(x), 28.0)
    high, rest = c.SQRT_2
    a, low = v.two_product(size, high)
    ratio, lost = _mills(v, a, v.fma(size, rest, low))
    tail = _times_exponential(v, size, v.add(ratio, ratio), v.add(lost, lost), -1.0)
    return v.select(v.compare("<", x, 0.0), v.sub(2.0, tail), tail)


@in_double
def erfcx(v: Lanes, x: ir.Value) -> ir.Value:
    """exp(x²)·erfc(x): twice Mills' ratio of √2·x, below 0 what 2·exp(x²) has more than that of −x."""
    size = v.at_most(v.fabs(x), ASYMPTOTIC)
    high, rest = c.SQRT_2
    a, low = v.two_product(size, high)
    ratio, lost = _mills(v, a, v.fma(size, rest, low))
    inverse = v.div(1.0, x)
    tail = v.horner(v.mul(v.mul(inverse, inverse), -0.5), (1.0, 1.0, 3.0, 15.0, 105.0, 945.0, 10395.0))
    far = v.mul(v.mul(inverse, 1 / math.sqrt(math.pi)), tail)
    right = v.select(v.compare(">", x, ASYMPTOTIC), far, v.mul(2.0, v.add(ratio, lost)))
    whole = v.mul(2.0, exp_product(v.b, x, x))
    left = v.select(v.compare("==", whole, math.inf), math.inf, v.sub(whole, right))
    return v.select(v.compare("<", x, 0.0), left, right)


def _flat_ratio(v: Lanes, t: ir.Value) -> tuple[ir.Value, ir.Value]:
    """p(t) and what its last step lost; only the first steps as two chains, which cancel as t nears 1."""
    last, *others = c.MILLS_DOUBLE[:4]
    p = v.horner(t, c.MILLS_DOUBLE[4:])
    for coefficient in reversed(others):
        p = v.fma(p, t, coefficient)
    ans = v.fma(p, t, last)
    return ans, v.fma(p, t, v.sub(last, ans))


def _times_exponential(v: Lanes, a: ir.Value, ratio: ir.Value, low: ir.Value, factor: float = -0.5) -> ir.Value:
    """(ratio + low) · exp(factor · a²), the factor a power of two."""
    square, rest = v.two_product(a, a)
    power, exponent = reduced_exp(v, v.mul(square, factor))
    low = v.fma(ratio, v.mul(rest, factor), low)
    return scale(v, v.add(ratio, v.fma(ratio, power, v.fma(low, power, low))), exponent)


def _left_of_parts(b: ir.IRBuilder, type_: Any) -> ir.Function:
    """A function of float32 (x, near): near, with the lanes replaced that lie left of the parts."""
    lanes = f"v{type_.count}" if isinstance(type_, ir.VectorType) else ""
    name = f"tenure.ndtr.left.{lanes}{element(type_)}"
    if name in b.module.globals:
        return b.module.globals[name]
    function = outlined(b.module, ir.FunctionType(type_, [type_, type_]), name)
    x, near = function.args
    v = Lanes(Builder(function.append_basic_block("entry"), Lanes(b, type_).registers), type_)
    left = v.compare("<", x, -c.NORMAL_NEAR)
    # Other lanes are kept from subnormal results, which take long.
    inside = v.b.and_(left, v.compare(">", x, -LAST_SINGLE))
    a = v.select(inside, v.fabs(x), 2 * c.NORMAL_NEAR)
    r, (low, *coefficients) = _parted(v, a, c.MILLS_PART, c.MILLS_PARTS)
    ans = v.select(inside, _times_exponential(v, a, _polynomial(v, r, coefficients), low), 0.0)
    v.b.ret(v.select(left, ans, near))
    return function
