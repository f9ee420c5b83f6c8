"""sinh, cosh and the inverse hyperbolic functions: the former from half an exponential, which overflows no sooner than
they do, the latter from log1p of what is small where they are."""

from __future__ import annotations

import math

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.exponential import half_exp
from tenure.compile.math.lanes import Lanes
from tenure.compile.math.logarithm import log1p
from tenure.compile.math.widened import in_double

__all__ = ["acosh", "asinh", "atanh", "cosh", "sinh"]

LARGE = 2.0**28
"""From here on x ± √(x² ± 1) is 2x, or 1/2x."""


@in_double
def sinh(v: Lanes, x: ir.Value) -> ir.Value:
    """(eˣ − e⁻ˣ) / 2; an odd polynomial up to 1."""
    size, z = v.fabs(x), v.mul(x, x)
    near = v.fma(v.mul(x, z), v.horner(z, c.SINH_DOUBLE), x)
    half = half_exp(v, size)
    far = v.copysign(v.sub(half, v.div(0.25, half)), x)
    return v.select(v.compare("<=", size, 1.0), near, far)


@in_double
def cosh(v: Lanes, x: ir.Value) -> ir.Value:
    """(eˣ + e⁻ˣ) / 2."""
    half = half_exp(v, v.fabs(x))
    return v.add(half, v.div(0.25, half))


@in_double
def asinh(v: Lanes, x: ir.Value) -> ir.Value:
    """log(x + √(x² + 1)), as log1p(|x| + x² / (1 + √(x² + 1))) with the sign of x."""
    size = v.fabs(x)
    large = v.compare(">=", size, LARGE)
    square = v.mul(size, size)
    root = v.call("sqrt", v.fma(size, size, 1.0))
    more = v.add(size, v.div(square, v.add(root, 1.0)))
    ans = log1p(v.b, v.select(large, v.sub(size, 1.0), more))
    return v.copysign(v.add(ans, v.select(large, math.log(2), 0.0)), x)


@in_double
def acosh(v: Lanes, x: ir.Value) -> ir.Value:
    """log(x + √(x² − 1)), as log1p(t + √(t² + 2t)) with t = x − 1; NaN below 1."""
    large = v.compare(">=", x, LARGE)
    t = v.sub(x, 1.0)
    root = v.call("sqrt", v.fma(t, t, v.add(t, t)))
    ans = log1p(v.b, v.select(large, t, v.add(t, root)))
    ans = v.add(ans, v.select(large, math.log(2), 0.0))
    return v.select(v.compare("<", x, 1.0), math.nan, ans)


@in_double
def atanh(v: Lanes, x: ir.Value) -> ir.Value:
    """log((1 + x) / (1 − x)) / 2, as log1p(2|x| / (1 − |x|)) / 2 with the sign of x; ±∞ at ±1, NaN beyond."""
    size = v.fabs(x)
    ratio = v.div(v.add(size, size), v.sub(1.0, size))
    return v.copysign(v.mul(log1p(v.b, ratio), 0.5), x)
