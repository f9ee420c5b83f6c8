"""The modified Bessel functions of the first kind, of order 0 and 1, plain and times e⁻|ˣ|.

Up to 8 (x/2)ⁿ·(1 + z·p(z)) with z = (x/2)², whose terms are all positive; beyond, eˣ/√x times a polynomial in 16/x − 1.
"""

from __future__ import annotations

import math

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.exponential import exp, reduced_exp, scale
from tenure.compile.math.lanes import Lanes
from tenure.compile.math.widened import in_double

__all__ = ["i0", "i0e", "i1", "i1e"]

NEAR, LAST = 8.0, 720.0
"""The end of the first form, and a number from which on both functions are infinite."""


@in_double
def i0(v: Lanes, x: ir.Value) -> ir.Value:
    """I₀(x)."""
    return _grown(v, v.fabs(x), 0)


@in_double
def i1(v: Lanes, x: ir.Value) -> ir.Value:
    """I₁(x)."""
    return v.copysign(_grown(v, v.fabs(x), 1), x)


@in_double
def i0e(v: Lanes, x: ir.Value) -> ir.Value:
    """e⁻|ˣ|·I₀(x)."""
    return _scaled(v, v.fabs(x), 0)


@in_double
def i1e(v: Lanes, x: ir.Value) -> ir.Value:
    """e⁻|ˣ|·I₁(x)."""
    return v.copysign(_scaled(v, v.fabs(x), 1), x)


def _grown(v: Lanes, size: ir.Value, n: int) -> ir.Value:
    far = _far(v, size, n)
    power, exponent = reduced_exp(v, v.at_most(size, LAST))
    ans = v.select(v.compare("<=", size, NEAR), near(v, size, n), scale(v, v.fma(far, power, far), exponent))
    return v.select(v.compare(">=", size, LAST), math.inf, ans)


def _scaled(v: Lanes, size: ir.Value, n: int) -> ir.Value:
    small = v.mul(near(v, size, n), exp(v.b, v.neg(size)))
    return v.select(v.compare("<=", size, NEAR), small, _far(v, size, n))


def near(v: Lanes, size: ir.Value, n: int) -> ir.Value:
    """Iₙ(x) for 0 ≤ x ≤ 8."""
    half = v.mul(size, 0.5)
    z = v.mul(half, half)
    rest = v.mul(z, v.horner(z, (c.BESSEL_NEAR_0, c.BESSEL_NEAR_1)[n]))
    return v.fma(half, rest, half) if n else v.add(rest, 1.0)


def _far(v: Lanes, size: ir.Value, n: int) -> ir.Value:
    t = v.sub(v.div(16.0, size), 1.0)
    return v.div(v.horner(t, (c.BESSEL_FAR_0, c.BESSEL_FAR_1)[n]), v.call("sqrt", size))
