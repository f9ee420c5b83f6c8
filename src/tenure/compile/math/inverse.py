"""The inverse trigonometric functions.

atan t for t ≤ 1 is an odd polynomial; beyond 1, π/2 − atan(1/t). asin x for |x| ≤ ½ is one too; beyond,
π/2 − 2·asin √((1 − |x|)/2), whose argument is at most ½ again (Cody and Waite 1980, chapter 10). π is a sum of two
floats.
"""

from __future__ import annotations

import math

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.lanes import Lanes
from tenure.compile.math.widened import in_double

__all__ = ["acos", "asin", "atan", "atan2"]


@in_double
def atan(v: Lanes, x: ir.Value) -> ir.Value:
    """The angle in [−π/2, π/2] whose tangent is x."""
    size = v.fabs(x)
    far = v.compare(">", size, 1.0)
    near = _arctangent(v, v.select(far, v.div(-1.0, size), size))
    high, low, _ = c.HALF_PI_DOUBLE
    return v.copysign(v.select(far, v.add(v.add(near, low), high), near), x)


@in_double
def atan2(v: Lanes, y: ir.Value, x: ir.Value) -> ir.Value:
    """The angle of the point (x, y) in [−π, π]; zeros and infinities as IEEE 754-2019, 9.2.1."""
    b, up, along = v.b, v.fabs(y), v.fabs(x)
    steep = v.compare(">", up, along)
    smaller, larger = v.select(steep, along, up), v.select(steep, up, along)
    t = v.select(v.compare("==", larger, 0.0), 0.0, v.div(smaller, larger))
    t = v.select(v.compare("==", smaller, math.inf), 1.0, t)
    left = b.icmp_signed("<", v.bits(x), v.whole(0))
    angle = _arctangent(v, t)
    angle = v.select(b.xor(steep, left), v.neg(angle), angle)
    high, low, _ = c.HALF_PI_DOUBLE
    turns = v.select(steep, 1.0, v.select(left, 2.0, 0.0))
    ans = v.copysign(v.add(v.fma(turns, low, angle), v.mul(turns, high)), y)
    return v.select(b.fcmp_unordered("uno", x, y), v.add(x, y), ans)


@in_double
def asin(v: Lanes, x: ir.Value) -> ir.Value:
    """The angle in [−π/2, π/2] whose sine is x; NaN beyond 1."""
    far, half = _half_angle(v, x)
    high, low, _ = c.HALF_PI_DOUBLE
    return v.copysign(v.select(far, v.sub(high, v.fma(half, 2.0, -low)), half), x)


@in_double
def acos(v: Lanes, x: ir.Value) -> ir.Value:
    """The angle in [0, π] whose cosine is x; NaN beyond 1."""
    far, half = _half_angle(v, x)
    high, low, _ = c.HALF_PI_DOUBLE
    left = v.compare("<", x, 0.0)
    near = v.sub(high, v.sub(v.copysign(half, x), low))
    outer = v.select(left, v.sub(2 * high, v.fma(half, 2.0, -2 * low)), v.add(half, half))
    return v.select(far, outer, near)


def _half_angle(v: Lanes, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Whether |x| > ½, and asin √((1 − |x|)/2) there, elsewhere asin |x|."""
    size = v.fabs(x)
    far = v.compare(">", size, 0.5)
    z = v.select(far, v.fma(size, -0.5, 0.5), v.mul(size, size))
    root = v.select(far, v.call("sqrt", z), size)
    lost = v.div(v.fma(v.neg(root), root, z), v.select(v.compare(">", root, 0.0), v.add(root, root), 1.0))
    rest = v.select(far, lost, 0.0)
    return far, v.add(v.fma(v.mul(root, z), v.horner(z, c.ASIN_DOUBLE), rest), root)


def _arctangent(v: Lanes, t: ir.Value) -> ir.Value:
    """atan t for |t| ≤ 1; only the later terms as two chains, which cancel as |t| nears 1."""
    z = v.mul(t, t)
    p = v.horner(z, c.ATAN_DOUBLE[6:])
    for coefficient in reversed(c.ATAN_DOUBLE[:6]):
        p = v.fma(p, z, coefficient)
    return v.fma(v.mul(t, z), p, t)
