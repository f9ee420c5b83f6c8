"""log and log1p: x = 2ᵉ·(1 + f) with 1 + f from √½ to √2, then log(1 + f) + e·log 2, log 2 in two parts.

The form of log(1 + f) in float64 is that of fdlibm's e_log.c (Sun Microsystems 1993), with coefficients of our own.
"""

from __future__ import annotations

import math

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.lanes import Lanes

__all__ = ["log", "log1p", "log_of_sum", "normalize", "poles", "split"]

# The largest float32 below √½ serves both formats.
ROOT_BITS = {32: 0x3F3504F3, 64: 0x3FE6A09E60000000}


def split(v: Lanes, x: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
    """For normal x > 0, x = 2ᵉ·m with √½ ≤ m < √2: the float 2^fraction + bias + e, the bits of 2ᵉ, and m."""
    form = v.format
    i = v.bits(x)
    biased = v.shift_right(v.b.add(i, v.whole(form.one - ROOT_BITS[form.bits])), form.fraction)
    shifted = v.shift_left(biased, form.fraction)
    exponent = v.from_bits(v.b.or_(biased, v.whole((form.bias + form.fraction) << form.fraction)))
    return exponent, shifted, v.from_bits(v.b.sub(i, v.b.sub(shifted, v.whole(form.one))))


def normalize(v: Lanes, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """x, a subnormal one scaled up, and what `split` then has added to its exponent."""
    up = v.format.fraction + 2
    tiny = v.compare("<", x, v.format.smallest_normal)
    added = 2.0**v.format.fraction + v.format.bias
    return v.select(tiny, v.mul(x, 2.0**up), x), v.select(tiny, added + up, added)


def log(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The natural logarithm; −∞ at ±0, NaN below (IEEE 754-2019, 9.2)."""
    v = Lanes(b, x.type)
    normal, added = normalize(v, x)
    exponent, _, m = split(v, normal)
    ans = log_of_sum(v, v.sub(m, 1.0), v.sub(exponent, added))
    return poles(v, x, 0.0, ans)


def log1p(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """log(1 + x), exact to the last places near 0 too; −∞ at −1, NaN below (IEEE 754-2019, 9.2)."""
    v = Lanes(b, x.type)
    form = v.format
    high, low = v.two_sum(1.0, x)
    exponent, shifted, m = split(v, high)
    # 2⁻ᵉ; where its exponent would be too small, `low` no longer counts.
    inverse = v.b.sub(v.whole(2 * form.one), shifted)
    least = v.whole(1 << form.fraction)
    inverse = v.b.select(v.b.icmp_signed(">", inverse, least), inverse, least)
    f = v.fma(low, v.from_bits(inverse), v.sub(m, 1.0))
    ans = log_of_sum(v, f, v.sub(exponent, 2.0**form.fraction + form.bias))
    return v.select(v.compare("==", x, 0.0), x, poles(v, x, -1.0, ans))


def log_of_sum(v: Lanes, f: ir.Value, e: ir.Value) -> ir.Value:
    """log(1 + f) + e·log 2."""
    high, low = c.LN2_SINGLE if v.single else c.LN2_DOUBLE
    square = v.mul(f, f)
    if v.single:
        tail = v.fma(v.mul(f, square), v.horner(f, c.LOG_SINGLE), v.mul(e, low))
        return v.fma(e, high, v.add(f, v.fma(square, -0.5, tail)))
    half = v.mul(square, 0.5)
    s = v.div(f, v.add(f, 2.0))
    z = v.mul(s, s)
    tail = v.fma(s, v.fma(z, v.horner(z, c.LOG_DOUBLE), half), v.mul(e, low))
    return v.fma(e, high, v.sub(f, v.sub(half, tail)))


def poles(v: Lanes, x: ir.Value, pole: float, ans: ir.Value) -> ir.Value:
    """−∞ at the pole, NaN below it and at NaN, +∞ at +∞, else the answer."""
    below = v.select(v.compare("==", x, pole), -math.inf, math.nan)
    return v.select(v.compare(">", x, pole), v.select(v.compare("<", x, math.inf), ans, x), below)
