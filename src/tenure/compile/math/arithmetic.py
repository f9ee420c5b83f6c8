"""sqrt, absolute, sign, quotients rounded down, remainders, extrema and unselected zeros, with NumPy's meaning.

LLVM's integers have no sign: functions of integers take `signed`.
"""

from __future__ import annotations

import math

from llvmlite import ir

from tenure.compile.math.lanes import DOUBLE, Lanes, element, like, splat

__all__ = [
    "absolute",
    "floor",
    "floor_divide",
    "fmod_of_floats",
    "fmod_of_integers",
    "is_integer",
    "maximum",
    "minimum",
    "quotient",
    "remainder",
    "sign",
    "sqrt",
    "unselected",
]


def sqrt(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """√x, correctly rounded; NaN below −0 (IEEE 754-2019, 5.4.1)."""
    return Lanes(b, x.type).call("sqrt", x)


def floor(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The largest whole number that does not exceed x."""
    return Lanes(b, x.type).call("floor", x)


def absolute(b: ir.IRBuilder, x: ir.Value, *, signed: bool = True) -> ir.Value:
    """|x|; the least integer stays what it is, as in NumPy."""
    if not is_integer(x):
        return Lanes(b, x.type).fabs(x)
    if not signed:
        return x
    zero = splat(x.type, 0)
    return b.select(b.icmp_signed("<", x, zero), b.sub(zero, x), x)


def sign(b: ir.IRBuilder, x: ir.Value, *, signed: bool = True) -> ir.Value:
    """−1, 0 or 1; NaN for NaN."""
    if not is_integer(x):
        v = Lanes(b, x.type)
        ans = v.select(v.compare(">", x, 0.0), 1.0, v.select(v.compare("<", x, 0.0), -1.0, 0.0))
        return v.select(v.unordered(x), x, ans)
    zero, one = splat(x.type, 0), splat(x.type, 1)
    ans = b.select(b.icmp_unsigned("!=", x, zero), one, zero)
    return b.select(b.icmp_signed("<", x, zero), splat(x.type, -1), ans) if signed else ans


def unselected(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """Whether x is −0.0."""
    v = Lanes(b, x.type)
    return b.icmp_unsigned("==", v.bits(x), v.bits(v.number(-0.0)))


def maximum(b: ir.IRBuilder, x: ir.Value, y: ir.Value, *, signed: bool = True) -> ir.Value:
    """The larger one; NaN where either is (the first NaN, as in NumPy); of two zeros the second."""
    return _extreme(b, ">", x, y, signed)


def minimum(b: ir.IRBuilder, x: ir.Value, y: ir.Value, *, signed: bool = True) -> ir.Value:
    """The smaller one; NaN where either is (the first NaN, as in NumPy); of two zeros the second."""
    return _extreme(b, "<", x, y, signed)


def _extreme(b: ir.IRBuilder, relation: str, x: ir.Value, y: ir.Value, signed: bool) -> ir.Value:
    if is_integer(x):
        compare = b.icmp_signed if signed else b.icmp_unsigned
        return b.select(compare(relation, x, y), x, y)
    v = Lanes(b, x.type)
    # One instruction on x86, which gives y beside a NaN.
    ans = v.select(v.compare(relation, x, y), x, y)
    return v.select(v.unordered(x), x, ans)


def floor_divide(b: ir.IRBuilder, x: ir.Value, y: ir.Value, *, signed: bool = True) -> ir.Value:
    """⌊x / y⌋, of infinite floats x / y itself; an integer over 0 is 0, the least over −1 itself."""
    if is_integer(x):
        return _divide_integers(b, x, y, signed)[0]
    v = Lanes(b, x.type)
    ans, plain = _quotient(v, x, y)
    endless = b.or_(v.compare("==", v.fabs(plain), math.inf), v.compare("==", v.fabs(y), math.inf))
    return v.select(endless, plain, ans)


def quotient(b: ir.IRBuilder, x: ir.Value, y: ir.Value, *, signed: bool = True) -> ir.Value:
    """⌊x / y⌋ as NumPy and Python compute it: floats from the remainder; integers as ``floor_divide``."""
    if is_integer(x):
        return _divide_integers(b, x, y, signed)[0]
    v = Lanes(b, x.type)
    ans, plain = _quotient(v, x, y)
    return v.select(v.compare("==", y, 0.0), plain, ans)


def _quotient(v: Lanes, x: ir.Value, y: ir.Value) -> tuple[ir.Value, ir.Value]:
    """(x − x % y) / y rounded to a whole number, for y ≠ 0, and x / y."""
    rest = fmod_of_floats(v, x, y)
    exact = v.div(v.sub(x, rest), y)
    quotient = v.select(_astray(v, rest, y), v.sub(exact, 1.0), exact)
    whole = v.call("floor", quotient)
    whole = v.select(v.compare(">", v.sub(quotient, whole), 0.5), v.add(whole, 1.0), whole)
    plain = v.div(x, y)
    return v.select(v.compare("==", quotient, 0.0), v.copysign(0.0, plain), whole), plain


def remainder(b: ir.IRBuilder, x: ir.Value, y: ir.Value, *, signed: bool = True) -> ir.Value:
    """x − ⌊x / y⌋·y with the sign of y, rounded once, as Python's and NumPy's %; integers modulo 0 give 0."""
    if is_integer(x):
        return _divide_integers(b, x, y, signed)[1]
    v = Lanes(b, x.type)
    rest = fmod_of_floats(v, x, y)
    ans = v.select(v.compare("==", rest, 0.0), v.copysign(0.0, y), rest)
    return v.select(_astray(v, rest, y), v.add(rest, y), ans)


def _astray(v: Lanes, rest: ir.Value, y: ir.Value) -> ir.Value:
    """Whether C's remainder has the other sign than y."""
    differ = v.b.xor(v.compare("<", rest, 0.0), v.compare("<", y, 0.0))
    return v.b.and_(differ, v.compare("!=", rest, 0.0))


def fmod_of_floats(v: Lanes, x: ir.Value, y: ir.Value) -> ir.Value:
    """C's fmod, exact: x less the multiple of y nearest to it on the side of 0. Branches for quotients past 2^p.

    One division does for quotients that a float holds to the unit: rounded, it is at most one too large, and
    x − q·y is representable.
    """
    b, one = v.b, 2.0 ** (v.format.fraction + 1)
    size, step = v.fabs(x), v.fabs(y)
    raw = v.div(size, step)
    q = v.call("trunc", raw)
    rest = v.fma(v.neg(q), step, size)
    rest = v.select(v.compare("<", rest, 0.0), v.add(rest, step), rest)
    rest = v.select(v.compare("<", size, step), size, rest)
    before, loop, done = b.block, b.append_basic_block("fmod.loop"), b.append_basic_block("fmod.done")
    b.cbranch(v.any(v.compare(">=", raw, one)), loop, done).set_weights([1, 1 << 20])
    b.position_at_end(loop)
    left = b.phi(v.type)
    after = _reduce_once(v, left, step)
    left.add_incoming(size, before)
    left.add_incoming(after, b.block)
    b.cbranch(v.any(v.compare(">=", after, step)), b.block, done)
    b.position_at_end(done)
    ans = b.phi(v.type)
    ans.add_incoming(rest, before)
    ans.add_incoming(after, loop)
    return v.copysign(ans, x)


def _reduce_once(v: Lanes, left: ir.Value, step: ir.Value) -> ir.Value:
    """left ≥ 0 less a multiple of step, exactly: below step, or smaller by 2^fraction.

    Where the quotient overflows, step is first made larger by a power of two. A quotient of p digits that was
    rounded up is put back by a unit in its last place.
    """
    up = 2.0 ** (100 if v.single else 600)
    q = v.div(left, step)
    enlarged = step
    for _ in range(2):
        enlarged = v.select(v.compare("<", q, math.inf), enlarged, v.mul(enlarged, up))
        q = v.div(left, enlarged)
    q = v.call("trunc", q)
    rest = v.fma(v.neg(q), enlarged, left)
    lower = v.from_bits(v.b.sub(v.bits(q), v.whole(1)))
    large = v.compare(">", q, 2.0**v.format.fraction)
    back = v.select(large, v.fma(v.neg(lower), enlarged, left), v.add(rest, enlarged))
    rest = v.select(v.compare("<", rest, 0.0), back, rest)
    return v.select(v.compare("<", left, step), left, rest)


def _divide_integers(b: ir.IRBuilder, x: ir.Value, y: ir.Value, signed: bool) -> tuple[ir.Value, ir.Value]:
    """⌊x / y⌋ and the remainder; 0 and 0 for y = 0, and for the least integer over −1 itself and 0."""
    zero, one = splat(x.type, 0), splat(x.type, 1)
    by_zero = b.icmp_unsigned("==", y, zero)
    if not signed:
        divisor = b.select(by_zero, one, y)
        q = _truncated_quotient(b, x, divisor, signed)
        return b.select(by_zero, zero, q), b.select(by_zero, zero, b.sub(x, b.mul(q, divisor)))
    by_minus_one = b.icmp_signed("==", y, splat(x.type, -1))
    divisor = b.select(b.or_(by_zero, by_minus_one), one, y)
    q = _truncated_quotient(b, x, divisor, signed)
    rest = b.sub(x, b.mul(q, divisor))
    astray = b.and_(b.icmp_signed("<", b.xor(rest, divisor), zero), b.icmp_signed("!=", rest, zero))
    q, rest = b.select(astray, b.sub(q, one), q), b.select(astray, b.add(rest, divisor), rest)
    q = b.select(by_minus_one, b.sub(zero, x), q)
    return b.select(by_zero, zero, q), rest


def fmod_of_integers(b: ir.IRBuilder, x: ir.Value, y: ir.Value, signed: bool) -> ir.Value:
    """The remainder with the sign of x; 0 for y = 0."""
    rest = _divide_integers(b, x, y, signed)[1]
    if not signed:
        return rest
    zero = splat(x.type, 0)
    astray = b.and_(b.icmp_signed("<", b.xor(rest, x), zero), b.icmp_signed("!=", rest, zero))
    return b.select(astray, b.sub(rest, y), rest)


def _truncated_quotient(b: ir.IRBuilder, x: ir.Value, y: ir.Value, signed: bool) -> ir.Value:
    """x / y towards 0 for y ≠ 0, up to 32 bits by a float64 division, which has a vector instruction.

    It is exact: below the next whole number a quotient keeps a distance of 1/y, more than the rounding moves it.
    """
    if element(x.type).width > 32:
        return b.sdiv(x, y) if signed else b.udiv(x, y)
    wide = like(x.type, DOUBLE.float)
    if signed:
        return b.fptosi(b.fdiv(b.sitofp(x, wide), b.sitofp(y, wide)), x.type)
    return b.fptoui(b.fdiv(b.uitofp(x, wide), b.uitofp(y, wide)), x.type)


def is_integer(x: ir.Value) -> bool:
    """Whether the lanes are integers."""
    return isinstance(element(x.type), ir.IntType)
