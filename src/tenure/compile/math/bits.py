"""Functions that are exact: roundings, signs, neighbours, remainders and scales of floats, and the bits of integers."""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir

from tenure.compile.math.arithmetic import fmod_of_floats, fmod_of_integers, is_integer
from tenure.compile.math.lanes import Lanes, Unsigned, element, like, splat, unsigned

__all__ = [
    "bitcast",
    "bitwise_not",
    "ceil",
    "copysign",
    "exponent",
    "fmod",
    "gcd",
    "hypot",
    "left_shift",
    "mantissa",
    "nextafter",
    "order_key",
    "right_shift",
    "round",
    "signbit",
    "trunc",
]


def bitcast(b: ir.IRBuilder, x: ir.Value, *, dtype: Any, signed: bool = True) -> ir.Value:
    """The number of a dtype that has the bits of x."""
    bits = 8 * dtype.itemsize
    floats = {"float32": ir.FloatType(), "float64": ir.DoubleType()}
    lane = Unsigned(bits) if dtype.kind == "u" else ir.IntType(bits)
    target = like(x.type, floats.get(dtype.name, lane))
    if target != x.type:
        return b.bitcast(x, target)
    # An unsigned type equals the signed one: the constant in front gives the result its own.
    return x if unsigned(target) == unsigned(x.type) else b.or_(ir.Constant(target, None), x)


def ceil(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The least whole number that is not below x."""
    return Lanes(b, x.type).call("ceil", x)


def trunc(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The nearest whole number towards 0."""
    return Lanes(b, x.type).call("trunc", x)


def round(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The nearest whole number, of two the even one."""
    return Lanes(b, x.type).call("roundeven", x)


def copysign(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """|x| with the sign of y."""
    return Lanes(b, x.type).copysign(x, y)


def signbit(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """Whether the sign of x is negative, of a zero and NaN too."""
    v = Lanes(b, x.type)
    return b.icmp_signed("<", v.bits(x), v.whole(0))


def nextafter(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """The float next to x in the direction of y; y where they are equal (IEEE 754-2019, 5.3.1)."""
    v = Lanes(b, x.type)
    bits = v.bits(x)
    away = v.b.xor(v.compare("<", x, y), v.compare("<", x, 0.0))
    moved = v.from_bits(b.select(away, b.add(bits, v.whole(1)), b.sub(bits, v.whole(1))))
    least = v.copysign(v.from_bits(v.whole(1)), y)
    ans = v.select(v.compare("==", x, 0.0), least, moved)
    ans = v.select(v.compare("==", x, y), y, ans)
    return v.select(b.fcmp_unordered("uno", x, y), v.add(x, y), ans)


def fmod(b: ir.IRBuilder, x: ir.Value, y: ir.Value, *, signed: bool = True) -> ir.Value:
    """x less the multiple of y nearest to it on the side of 0, exact; of integers modulo 0 it is 0. Floats branch."""
    if is_integer(x):
        return fmod_of_integers(b, x, y, signed)
    return fmod_of_floats(Lanes(b, x.type), x, y)


def order_key(b: ir.IRBuilder, x: ir.Value, *, descending: bool) -> ir.Value:
    """An integer as wide as x, in the order of the floats: zeros are equal, NaN is behind all numbers."""
    v = Lanes(b, x.type)
    nan = ((1 << (v.format.bits - v.format.fraction)) - 1) << (v.format.fraction - 1)
    bits = b.select(v.unordered(x), v.whole(nan), v.bits(v.add(x, 0.0)))
    key = b.xor(bits, v.shift_right(b.ashr(bits, v.whole(v.format.bits - 1)), 1))
    return b.xor(key, v.whole(-1)) if descending else key


def mantissa(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """m of x = m·2ᵉ with ½ ≤ |m| < 1; 0, ±∞ and NaN as they are."""
    v = Lanes(b, x.type)
    scaled, _ = _normal(v, x)
    fraction = b.and_(v.bits(scaled), v.whole((1 << v.format.fraction) - 1))
    found = v.from_bits(b.or_(fraction, v.whole((v.format.bias - 1) << v.format.fraction)))
    return v.select(_scalable(v, x), v.copysign(found, x), x)


def exponent(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """e of x = m·2ᵉ with ½ ≤ |m| < 1, as a float; 0 for 0, ±∞ and NaN."""
    v = Lanes(b, x.type)
    scaled, lifted = _normal(v, x)
    biased = v.shift_right(b.and_(v.bits(scaled), v.whole((1 << (v.format.bits - 1)) - 1)), v.format.fraction)
    # The number as the low digits of 2^fraction + number.
    found = v.from_bits(b.or_(biased, v.whole((v.format.bias + v.format.fraction) << v.format.fraction)))
    found = v.sub(found, v.add(lifted, 2.0**v.format.fraction + v.format.bias - 1))
    return v.select(_scalable(v, x), found, 0.0)


def _normal(v: Lanes, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """x, a subnormal one times a power of two, and the exponent of that."""
    up = v.format.fraction + 2
    tiny = v.compare("<", v.fabs(x), v.format.smallest_normal)
    return v.select(tiny, v.mul(x, 2.0**up), x), v.select(tiny, float(up), 0.0)


def _scalable(v: Lanes, x: ir.Value) -> ir.Value:
    size = v.fabs(x)
    return v.b.and_(v.compare(">", size, 0.0), v.compare("<", size, math.inf))


def hypot(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """√(x² + y²), which overflows no sooner than its value; +∞ beside an infinity, a NaN too (IEEE 754-2019, 9.2.1)."""
    v = Lanes(b, x.type)
    x, y = v.fabs(x), v.fabs(y)
    infinite = b.or_(v.compare("==", x, math.inf), v.compare("==", y, math.inf))
    return v.select(infinite, math.inf, _root_in_double(v, x, y) if v.single else _scaled_root(v, x, y))


def _root_in_double(v: Lanes, x: ir.Value, y: ir.Value) -> ir.Value:
    """The squares of float32 are exact in float64, and in its range."""
    w = v.wide()
    p, q = (v.b.fpext(z, w.type) for z in (x, y))
    return v.b.fptrunc(w.call("sqrt", w.add(w.mul(p, p), w.mul(q, q))), v.type)


def _scaled_root(v: Lanes, x: ir.Value, y: ir.Value) -> ir.Value:
    """Of numbers that are not negative, multiplied by a power of 2 where their squares leave the range."""
    above = v.compare(">", x, y)
    larger, smaller = v.select(above, x, y), v.select(above, y, x)
    huge, tiny = v.compare(">", larger, 2.0**500), v.compare("<", larger, 2.0**-400)
    up = v.select(huge, 2.0**-600, v.select(tiny, 2.0**600, 1.0))
    back = v.select(huge, 2.0**600, v.select(tiny, 2.0**-600, 1.0))
    larger, smaller = v.mul(larger, up), v.mul(smaller, up)
    square, lost = v.two_product(larger, larger)
    total, rest = v.fast_two_sum(square, v.mul(smaller, smaller))
    root = v.call("sqrt", v.add(total, v.add(rest, lost)))
    return v.select(v.b.fcmp_unordered("uno", x, y), v.add(x, y), v.mul(root, back))


def bitwise_not(b: ir.IRBuilder, x: ir.Value, *, signed: bool = True) -> ir.Value:
    """Every bit the other way round."""
    return b.xor(x, splat(x.type, -1))


def left_shift(b: ir.IRBuilder, x: ir.Value, y: ir.Value, *, signed: bool = True) -> ir.Value:
    """x·2^y modulo 2^bits; 0 for a shift below 0 or of all bits, as in NumPy."""
    inside = b.icmp_unsigned("<", y, splat(y.type, element(y.type).width))
    return b.select(inside, b.shl(x, b.select(inside, y, splat(y.type, 0))), splat(x.type, 0))


def right_shift(b: ir.IRBuilder, x: ir.Value, y: ir.Value, *, signed: bool = True) -> ir.Value:
    """⌊x / 2^y⌋; 0 or −1 for a shift below 0 or of all bits, as in NumPy."""
    last = splat(y.type, element(y.type).width - 1)
    inside = b.icmp_unsigned("<=", y, last)
    if signed:
        return b.ashr(x, b.select(inside, y, last))
    return b.select(inside, b.lshr(x, b.select(inside, y, last)), splat(x.type, 0))


def gcd(b: ir.IRBuilder, x: ir.Value, y: ir.Value, *, signed: bool = True) -> ir.Value:
    """The greatest common divisor, by Euclid's algorithm until all lanes are through; of 0 and 0 it is 0."""
    zero, one = splat(x.type, 0), splat(x.type, 1)
    if signed:
        x, y = (b.select(b.icmp_signed("<", z, zero), b.sub(zero, z), z) for z in (x, y))
    before, loop, done = b.block, b.append_basic_block("gcd.loop"), b.append_basic_block("gcd.done")
    b.branch(loop)
    b.position_at_end(loop)
    left, right = b.phi(x.type), b.phi(y.type)
    through = b.icmp_unsigned("==", right, zero)
    rest = b.urem(left, b.select(through, one, right))
    following = b.select(through, left, right), b.select(through, zero, rest)
    for phi, start, after in ((left, x, following[0]), (right, y, following[1])):
        phi.add_incoming(start, before)
        phi.add_incoming(after, loop)
    more = b.icmp_unsigned("!=", following[1], zero)
    if isinstance(x.type, ir.VectorType):
        mask = ir.IntType(x.type.count)
        more = b.icmp_unsigned("!=", b.bitcast(more, mask), ir.Constant(mask, 0))
    b.cbranch(more, loop, done)
    b.position_at_end(done)
    return following[0]
