"""sin, cos and tan: x = k·π/2 + r, |r| ≤ π/4, then ± sin r or ± cos r, or a quotient of both, by the last bits of k.

Up to a limit by Cody and Waite's subtraction of π/2 in three parts. Beyond, in lanes that need it, by an outlined
function with 192 bits of x·2/π (Payne and Hanek 1983).
"""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.lanes import DOUBLE, Lanes, element, outlined
from tenure.compile.math.widened import in_double

__all__ = ["cos", "eighth", "sin", "tan"]

LIMIT_SINGLE = 1e5
LIMIT_DOUBLE = 2.0**30
NAMES = ("sin", "cos", "tan")
TANGENT = 2
"""The functions by number; that of sin and cos is also the number of quarters of a turn that is added."""
I32, I64, WINDOW = ir.IntType(32), ir.IntType(64), ir.IntType(192)


def sin(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """sin x, for every finite x; NaN at ±∞. Branches, so the builder is left in another basic block."""
    v = Lanes(b, x.type)
    # sin −0 is −0, which sums lose.
    return _all_sizes(v, x, v.select(v.compare("==", x, 0.0), x, _near(v, x, 0)), 0)


def cos(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """cos x, for every finite x; NaN at ±∞. Branches, so the builder is left in another basic block."""
    v = Lanes(b, x.type)
    return _all_sizes(v, x, _near(v, x, 1), 1)


@in_double
def tan(v: Lanes, x: ir.Value) -> ir.Value:
    """tan x, for every finite x; NaN at ±∞. Branches, so the builder is left in another basic block."""
    return _all_sizes(v, x, v.select(v.compare("==", x, 0.0), x, _near(v, x, TANGENT)), TANGENT)


def eighth(v: Lanes, x: ir.Value) -> tuple[ir.Value, ir.Value]:
    """sin x and cos x for |x| ≤ π/4."""
    z = v.mul(x, x)
    return _sine(v, x, None, z), _cosine(v, x, None, z)


def _near(v: Lanes, x: ir.Value, quarters: int) -> ir.Value:
    """sin(x + quarters·π/2) up to the limit."""
    rounded = v.fma(x, 2 / math.pi, v.format.magic)
    k = v.sub(rounded, v.format.magic)
    if v.single:
        r = x
        for part in c.HALF_PI_SINGLE:
            r = v.fma(k, -part, r)
        return _quadrant(v, r, None, v.bits(rounded), quarters)
    return _quadrant(v, *_remainder(v, x, k), v.bits(rounded), quarters)


def _remainder(v: Lanes, x: ir.Value, k: ir.Value) -> tuple[ir.Value, ir.Value]:
    """x − k·π/2 as a sum of two floats. The first subtraction is exact: below 1, and π/2 has 52 places."""
    first, second, third = c.HALF_PI_DOUBLE
    product, lost = v.two_product(k, second)
    high, low = v.two_sum(v.fma(k, -first, x), v.neg(product))
    return high, v.sub(low, v.fma(k, third, lost))


def _quadrant(v: Lanes, r: ir.Value, low: ir.Value | None, k: ir.Value, quarters: int) -> ir.Value:
    """sin(r + low + (k + quarters)·π/2) for |r| ≤ π/4, or tan(r + low + k·π/2); of k the last two bits count."""
    b = v.b
    if quarters == TANGENT:
        return _tangent(v, r, low, k)
    if quarters:
        k = b.add(k, v.whole(quarters))
    odd = b.icmp_unsigned("!=", b.and_(k, v.whole(1)), v.whole(0))
    sign = v.shift_left(b.and_(k, v.whole(2)), v.format.bits - 2)
    z = v.mul(r, r)
    ans = v.select(odd, _cosine(v, r, low, z), _sine(v, r, low, z))
    return v.from_bits(b.xor(v.bits(ans), sign))


def _sine(v: Lanes, r: ir.Value, low: ir.Value | None, z: ir.Value) -> ir.Value:
    """sin r, to which low (at most half a unit in the last place of r) is added."""
    factor = v.mul(z, v.horner(z, c.SIN_SINGLE if v.single else c.SIN_DOUBLE))
    return v.fma(r, factor, r) if low is None else v.add(r, v.fma(r, factor, low))


def _cosine(v: Lanes, r: ir.Value, low: ir.Value | None, z: ir.Value) -> ir.Value:
    """cos(r + low)."""
    rest = v.horner(z, c.COS_SINGLE if v.single else c.COS_DOUBLE)
    square = v.mul(z, z)
    if low is None:
        return v.fma(square, rest, v.fma(z, -0.5, 1.0))
    leading = v.fma(z, -0.5, 1.0)
    lost = v.fma(z, -0.5, v.sub(1.0, leading))
    return v.add(leading, v.fma(square, rest, v.fma(v.neg(r), low, lost)))


def _tangent(v: Lanes, r: ir.Value, low: Any, k: ir.Value) -> ir.Value:
    """tan(r + low + k·π/2): the quotient of sine and cosine, each as a sum of two floats, or −1 over it."""
    z = v.mul(r, r)
    sine = v.fast_two_sum(r, v.fma(r, v.mul(z, v.horner(z, c.SIN_DOUBLE)), low))
    leading = v.fma(z, -0.5, 1.0)
    rest = v.fma(v.mul(z, z), v.horner(z, c.COS_DOUBLE), v.fma(v.neg(r), low, v.fma(z, -0.5, v.sub(1.0, leading))))
    cosine = v.fast_two_sum(leading, rest)
    odd = v.b.icmp_unsigned("!=", v.b.and_(k, v.whole(1)), v.whole(0))
    over, rest = (v.select(odd, x, y) for x, y in zip(cosine, sine, strict=True))
    under, lost = (v.select(odd, v.neg(x), y) for x, y in zip(sine, cosine, strict=True))
    q = v.div(over, under)
    rest = v.sub(v.add(v.fma(v.neg(q), under, over), rest), v.mul(q, lost))
    return v.add(q, v.div(rest, under))


def _all_sizes(v: Lanes, x: ir.Value, near: ir.Value, quarters: int) -> ir.Value:
    """`near`, but beyond the limit what the outlined function says."""
    limit = LIMIT_SINGLE if v.single else LIMIT_DOUBLE
    return v.rarely(v.compare(">", v.fabs(x), limit), near, _outlined(v.b.module, x.type, quarters), x)


def _outlined(module: ir.Module, type_: Any, quarters: int) -> ir.Function:
    """A function of (x, near): near, with the lanes replaced in which x is finite and beyond the limit."""
    lanes = f"v{type_.count}" if isinstance(type_, ir.VectorType) else ""
    name = f"tenure.{NAMES[quarters]}.large.{lanes}{element(type_)}"
    if name in module.globals:
        return module.globals[name]
    function = outlined(module, ir.FunctionType(type_, [type_, type_]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    x, near = function.args
    one = _one_lane(module, element(type_), quarters)
    if not isinstance(type_, ir.VectorType):
        b.ret(b.call(one, [x, near]))
        return function
    entry, loop, done = b.block, b.append_basic_block("loop"), b.append_basic_block("done")
    b.branch(loop)
    b.position_at_end(loop)
    lane, ans = b.phi(I32), b.phi(type_)
    value = b.call(one, [b.extract_element(x, lane), b.extract_element(ans, lane)])
    after, following = b.insert_element(ans, value, lane), b.add(lane, ir.Constant(I32, 1))
    for phi, start, step in ((lane, ir.Constant(I32, 0), following), (ans, near, after)):
        phi.add_incoming(start, entry)
        phi.add_incoming(step, loop)
    b.cbranch(b.icmp_unsigned("<", following, ir.Constant(I32, type_.count)), loop, done)
    b.position_at_end(done)
    b.ret(after)
    return function


def _one_lane(module: ir.Module, lane: Any, quarters: int) -> ir.Function:
    """The scalar function of (x, near); a float32 is worked on as a float64."""
    name = f"tenure.{NAMES[quarters]}.lane.{lane}"
    if name in module.globals:
        return module.globals[name]
    function = outlined(module, ir.FunctionType(lane, [lane, lane]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    x, near = function.args
    v = Lanes(b, lane)
    size = v.fabs(x)
    far = b.and_(v.compare(">", size, LIMIT_SINGLE if v.single else LIMIT_DOUBLE), v.compare("<", size, math.inf))
    with b.if_then(b.not_(far)):
        b.ret(near)
    w = v.wide()
    ans = _quadrant(w, *_payne_hanek(w, w.b.fpext(x, w.type) if v.single else x), quarters)
    b.ret(b.fptrunc(ans, lane) if v.single else ans)
    return function


def _payne_hanek(v: Lanes, x: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
    """x = k·π/2 + r + low for a scalar float64 2¹⁶ ≤ |x| < ∞: r, low, and k modulo 4.

    |x| = M·2ᴱ. Bits of 2/π worth 2²⁻ᴱ or more add whole turns only; the next 192 times M, modulo 2¹⁹², are x·2/π
    modulo 4 to 2⁻¹³⁷. No float64 comes nearer to a multiple of π/2 than 2⁻⁶² (Kahan 1983; Muller, Elementary
    Functions, 11.3), which leaves more bits than a sum of two floats holds.
    """
    b = v.b
    i = v.bits(x)
    biased = b.and_(b.lshr(i, v.whole(52)), v.whole(2047))
    fraction = b.or_(b.and_(i, v.whole((1 << 52) - 1)), v.whole(1 << 52))
    # The lowest bit wanted of 2/π · 2¹²¹⁶, at 1216 − (E + 190) with E = biased − 1075.
    lowest = b.sub(v.whole(1216 - 190 + 1075), biased)
    window = _bits_of_two_over_pi(b, lowest)
    product = b.mul(window, b.zext(fraction, WINDOW))
    negative = b.icmp_signed("<", i, v.whole(0))
    product = b.select(negative, b.neg(product), product)
    nearest = b.add(product, ir.Constant(WINDOW, 1 << 189))
    k = b.trunc(b.lshr(nearest, ir.Constant(WINDOW, 190)), I64)
    return (*_angle(v, b.shl(product, ir.Constant(WINDOW, 2))), k)


def _bits_of_two_over_pi(b: ir.IRBuilder, lowest: ir.Value) -> ir.Value:
    """192 bits of 2/π from the one numbered `lowest` upward; those past its point are zeros."""
    table = b.module.globals.get("tenure.two_over_pi")
    count = (1216 + 192) // 8
    type_ = ir.ArrayType(ir.IntType(8), count)
    if table is None:
        table = ir.GlobalVariable(b.module, type_, "tenure.two_over_pi")
        table.linkage, table.global_constant = "internal", True
        table.initializer = ir.Constant(type_, bytearray(c.TWO_OVER_PI.to_bytes(count, "little")))
    place = b.gep(table, [ir.Constant(I64, 0), b.lshr(lowest, ir.Constant(I64, 3))])
    wide = ir.IntType(256)
    loaded = b.load(b.bitcast(place, wide.as_pointer()), align=1)
    shift = b.zext(b.and_(lowest, ir.Constant(I64, 7)), wide)
    return b.trunc(b.lshr(loaded, shift), WINDOW)


def _angle(v: Lanes, rest: ir.Value) -> tuple[ir.Value, ir.Value]:
    """rest · 2⁻¹⁹² · π/2, rest read as signed, as a sum of two floats."""
    b = v.b
    negative = b.icmp_signed("<", rest, ir.Constant(WINDOW, 0))
    size = b.select(negative, b.neg(rest), rest)
    zeros = b.ctlz(size, ir.Constant(ir.IntType(1), 0))
    size = b.shl(size, zeros)
    high = b.uitofp(b.trunc(b.lshr(size, ir.Constant(WINDOW, 139)), I64), v.type)
    low_bits = b.and_(b.trunc(b.lshr(size, ir.Constant(WINDOW, 86)), I64), v.whole((1 << 53) - 1))
    low = b.uitofp(low_bits, v.type)
    # 2^(−53 − zeros), as bits.
    unit = v.from_bits(v.shift_left(b.sub(v.whole(DOUBLE.bias - 53), b.trunc(zeros, I64)), 52))
    unit = b.select(negative, b.fneg(unit), unit)
    high, low = v.mul(high, unit), v.mul(low, v.mul(unit, 2.0**-53))
    first, second, _ = c.HALF_PI_DOUBLE
    product, lost = v.two_product(high, first)
    return v.fast_two_sum(product, v.fma(low, first, v.fma(high, second, lost)))
