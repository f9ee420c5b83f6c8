"""exp, exp2, exp of a product, expm1, tanh and the logistic function.

Cody and Waite's reduction x = n·log 2 + r, |r| ≤ (log 2)/2 (Software Manual for the Elementary Functions, 1980);
n is rounded by adding a large constant, whose low bits then give 2ⁿ without a conversion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.lanes import Lanes

__all__ = [
    "exp",
    "exp2",
    "exp2_unscaled",
    "exp_of_sum",
    "exp_product",
    "expm1",
    "half_exp",
    "reduced_exp",
    "scale",
    "sigmoid",
    "tanh",
]

LOG2_E = 1 / math.log(2)


def exp(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """eˣ; +∞ past the largest float, gradually to subnormals and 0 below (IEEE 754-2019, 9.2)."""
    v = Lanes(b, x.type)
    x = _clamp(v, x)
    rounded, n = _round_exponent(v, x, LOG2_E, 2 * v.format.bias)
    r = _reduce(v, x, n, 1.0)
    return scale(v, v.add(1.0, _tail(v, r)), rounded)


def half_exp(v: Lanes, x: ir.Value) -> ir.Value:
    """eˣ / 2 for x ≥ 0, which overflows later than eˣ."""
    x = v.at_most(x, 91.0 if v.single else 712.0)
    rounded, n = _round_exponent(v, x, LOG2_E, 2 * v.format.bias - 1)
    return scale(v, v.add(1.0, _tail(v, _reduce(v, x, n, 1.0))), rounded)


def exp2(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """2ˣ, exact for whole x; +∞ past the largest float, gradually to subnormals and 0 below (IEEE 754-2019, 9.2)."""
    v = Lanes(b, x.type)
    low, high = (-151.0, 129.0) if v.single else (-1076.0, 1025.0)
    x = v.at_least(v.at_most(x, high), low)
    rounded, n = _round_exponent(v, x, 1.0, 2 * v.format.bias)
    r = v.sub(x, n)
    return scale(v, v.fma(r, v.horner(r, c.EXP2_COARSE if v.single else c.EXP2_FINE), 1.0), rounded)


def exp_product(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """exp(x · y), by the product as it is before rounding."""
    v = Lanes(b, x.type)
    product, lost = v.two_product(x, y)
    # Where the product overflows, or comes from an infinity, the rest is NaN or of no use.
    near = v.compare("<", v.fabs(product), 1e4)
    return exp_of_sum(v, product, v.select(near, lost, 0.0))


def exp_of_sum(v: Lanes, high: ir.Value, low: ir.Value) -> ir.Value:
    """exp(high + low) for |low| of at most some units in the last place of high, 0 where high is infinite."""
    tail, rounded = reduced_exp(v, _clamp(v, high), low)
    return scale(v, v.add(1.0, tail), rounded)


def reduced_exp(v: Lanes, x: ir.Value, low: ir.Value | None = None) -> tuple[ir.Value, ir.Value]:
    """eʳ − 1 for x + low = n·log 2 + r, and the bits by which `scale` multiplies with 2ⁿ."""
    rounded, n = _round_exponent(v, x, LOG2_E, 2 * v.format.bias)
    r = _reduce(v, x, n, 1.0)
    return _tail(v, r if low is None else v.add(r, low)), rounded


def _clamp(v: Lanes, x: ir.Value) -> ir.Value:
    """x within the range beyond which eˣ is infinite or 0; NaN stays."""
    low, high = (-105.0, 90.0) if v.single else (-746.0, 710.0)
    return v.at_least(v.at_most(x, high), low)


def _round_exponent(v: Lanes, x: ir.Value, factor: float, offset: int) -> tuple[ir.Value, ir.Value]:
    """The bits of x·factor + magic + offset, and x·factor rounded to a whole number."""
    magic = v.format.magic + offset
    rounded = v.fma(x, factor, magic)
    return v.bits(rounded), v.sub(rounded, magic)


def _reduce(v: Lanes, x: ir.Value, n: ir.Value, unit: float) -> ir.Value:
    """x − n·unit·log 2, for a power of two as unit."""
    high, low = c.LN2_SINGLE if v.single else c.LN2_DOUBLE
    return v.fma(n, -unit * low, v.fma(n, -unit * high, x))


def _tail(v: Lanes, r: ir.Value) -> ir.Value:
    """eʳ − 1 for |r| ≤ (log 2)/2, to a fraction of the last place of eʳ."""
    return v.fma(v.mul(r, r), v.horner(r, c.EXP_SINGLE if v.single else c.EXP_DOUBLE), r)


def scale(v: Lanes, x: ir.Value, rounded: ir.Value) -> ir.Value:
    """x · 2ⁿ in two steps, so that one rounding alone meets overflow and subnormals.

    `rounded` holds the bits of magic + 2·bias + n. Of these the low ones, halved, are the exponents of both factors.
    """
    half = v.shift_right(rounded, 1)
    first = v.from_bits(v.shift_left(half, v.format.fraction))
    second = v.from_bits(v.shift_left(v.b.sub(rounded, half), v.format.fraction))
    return v.mul(v.mul(x, first), second)


def expm1(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """eˣ − 1, exact to the last places near 0 too (IEEE 754-2019, 9.2)."""
    v = Lanes(b, x.type)
    limits = (-20.0, 89.0) if v.single else (-40.0, 710.0)
    clamped = v.at_least(v.at_most(x, limits[1]), limits[0])
    # One less than n, since 2ⁿ itself overflows where the result does not yet.
    rounded, n = _round_exponent(v, clamped, LOG2_E, v.format.bias - 1)
    half = v.from_bits(v.shift_left(rounded, v.format.fraction))
    high, low = c.LN2_SINGLE if v.single else c.LN2_DOUBLE
    exact = v.fma(n, -high, clamped)
    r = v.fma(n, -low, exact)
    lost = v.fma(n, -low, v.sub(exact, r))
    rest = c.EXPM1_SINGLE if v.single else c.EXPM1_DOUBLE
    p = v.add(r, v.fma(v.mul(r, r), v.horner(r, rest), lost))
    ans = v.fma(half, p, v.sub(half, 0.5))
    tiny = v.compare("<", v.fabs(x), 2.0 ** -(v.format.fraction + 2))
    return v.select(tiny, x, v.add(ans, ans))


def tanh(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """y / (y + 2) with y = exp(2|x|) − 1, and the sign of x.

    Where n is 0, y = 2a + 4a²·q with a = |x|, and the result is a + 4a²·(q·(1 − a) − ½) / (y + 2).
    """
    v = Lanes(b, x.type)
    a = v.at_most(v.fabs(x), 20.0 if v.single else 40.0)
    # n changes at ¾·log 2, not ½, past which 2ⁿ·eʳ − 1 cancels less.
    rounded, n = _round_exponent(v, v.sub(a, math.log(2) / 8), 2 * LOG2_E, v.format.bias)
    power = v.from_bits(v.shift_left(rounded, v.format.fraction))
    half = _reduce(v, a, n, 0.5)
    # In r = 2·half, and for 4q; the powers of two in the coefficients are exact.
    q = v.horner(half, [k * 2.0 ** (i + 2) for i, k in enumerate(c.TANH_SINGLE if v.single else c.TANH_DOUBLE)])
    square = v.mul(half, half)
    # What rounding does to a large y cancels in y / (y + 2).
    y = v.fma(power, v.fma(square, q, v.add(half, half)), v.sub(power, 1.0))
    small = v.compare("==", n, 0.0)
    correction = v.mul(square, v.fma(q, v.sub(1.0, half), -2.0))
    quotient = v.div(v.select(small, correction, y), v.add(y, 2.0))
    return v.copysign(v.add(v.select(small, a, 0.0), quotient), x)


def sigmoid(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The logistic function 1 / (1 + e⁻ˣ), gradually to 0 on the left.

    e⁻ˣ = 2ⁿ·(1 + t) with 2ⁿ = f / g; the quotient is g / (f·t + f + g), whose denominator is rounded once.
    """
    v = Lanes(b, x.type)
    form = v.format
    bound = 105.0 if v.single else 746.0
    y = v.neg(v.at_least(v.at_most(x, bound), -bound))
    rounded, n = _round_exponent(v, y, LOG2_E, 2 * form.bias)
    r = _reduce(v, y, n, 1.0)
    t = _tail(v, r)
    half = v.shift_right(rounded, 1)
    f_bits = v.shift_left(half, form.fraction)
    inverse = v.b.sub(v.whole(2 * form.one), v.shift_left(v.b.sub(rounded, half), form.fraction))
    f, g = v.from_bits(f_bits), v.from_bits(inverse)
    total, lost = v.fast_two_sum(f, g)
    t = v.fma(lost, v.from_bits(v.b.sub(v.whole(2 * form.one), f_bits)), t)
    return v.mul(v.div(1.0, v.fma(f, t, total)), g)


def exp2_unscaled(v: Lanes, x: ir.Value, rest: Sequence[float]) -> tuple[ir.Value, ir.Value]:
    """2^(x − n) and the bits of 2ⁿ, for n = x rounded within the normal exponents of the format."""
    rounded, n = _round_exponent(v, x, 1.0, v.format.bias)
    r = v.sub(x, n)
    return v.fma(r, v.horner(r, rest), 1.0), v.from_bits(v.shift_left(rounded, v.format.fraction))
