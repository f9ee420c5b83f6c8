"""pow: exp(y · log |x|), the logarithm and the product with more bits than the result.

float32 goes through float64. float64 carries the logarithm as a sum of two floats, to about 2⁻⁶⁵ (Dekker 1971;
the scheme is that of fdlibm's e_pow.c, with a series in s = (m − 1) / (m + 1) instead of a table).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from llvmlite import ir

from tenure.compile.math import coefficients as c
from tenure.compile.math.exponential import exp2_unscaled, exp_of_sum
from tenure.compile.math.lanes import Lanes, element, splat
from tenure.compile.math.logarithm import normalize, split

__all__ = ["extended_log", "pow", "pow_uniform"]

Pair = tuple[ir.Value, ir.Value]


def pow(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """x^y with the special values of IEEE 754-2019, 9.2.1; for integers by squaring, modulo 2^bits (y ≥ 0)."""
    if isinstance(element(x.type), ir.IntType):
        return _integer_power(b, x, y)
    v = Lanes(b, x.type)
    size = v.fabs(x)
    ans = _single(v, size, y) if v.single else _double(v, size, y)
    return _special(v, x, y, v.select(v.compare("==", size, 1.0), 1.0, ans))


def pow_uniform(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """x^y for an exponent that all lanes share (a scalar, or a vector whose lanes are equal).

    Exponents 1, 2, 3, ½ and −1 take x, x·x, x·x·x, √x and 1/x, chosen at run time by a branch: the builder is left in
    another basic block. A constant exponent leaves no branch. Integers have no short forms.
    """
    if isinstance(element(x.type), ir.IntType):
        return _integer_power(b, x, _spread(b, y, x.type))
    v = Lanes(b, x.type)
    forms: dict[float, Callable[[], ir.Value]] = {
        2.0: lambda: v.mul(x, x),
        1.0: lambda: x,
        3.0: lambda: v.mul(v.mul(x, x), x),
        0.5: lambda: v.call("sqrt", x),
        -1.0: lambda: v.div(1.0, x),
    }
    constant = y.constant if isinstance(y, ir.Constant) and isinstance(y.constant, float) else None
    if constant is not None:
        form = forms.get(constant)
        return form() if form else pow(b, x, _spread(b, y, x.type))
    one = b.extract_element(y, ir.Constant(ir.IntType(32), 0)) if isinstance(y.type, ir.VectorType) else y
    done = b.append_basic_block("power.done")
    found: list[tuple[ir.Value, ir.Block]] = []
    for exponent, form in forms.items():
        short, other = b.append_basic_block("power.short"), b.append_basic_block("power.other")
        b.cbranch(b.fcmp_ordered("==", one, ir.Constant(one.type, exponent)), short, other)
        b.position_at_end(short)
        found.append((form(), b.block))
        b.branch(done)
        b.position_at_end(other)
    found.append((pow(b, x, _spread(b, y, x.type)), b.block))
    b.branch(done)
    b.position_at_end(done)
    ans = b.phi(x.type)
    for value, block in found:
        ans.add_incoming(value, block)
    return ans


def _spread(b: ir.IRBuilder, y: ir.Value, type_: ir.Type) -> ir.Value:
    """A vector of copies of y, where the type asks for one."""
    if y.type == type_:
        return y
    first = b.insert_element(ir.Constant(type_, ir.Undefined), y, ir.Constant(ir.IntType(32), 0))
    indices = ir.Constant(ir.VectorType(ir.IntType(32), type_.count), [0] * type_.count)
    return b.shuffle_vector(first, ir.Constant(type_, ir.Undefined), indices)


def _single(v: Lanes, size: ir.Value, y: ir.Value) -> ir.Value:
    """|x|^y in float32, rounded once from float64."""
    w = v.wide()
    x = w.b.fpext(size, w.type)
    exponent, _, m = split(w, x)
    f = w.sub(m, 1.0)
    e = w.sub(exponent, 2.0**w.format.fraction + w.format.bias)
    logarithm = w.fma(f, w.horner(f, c.LOG2_MIDDLE), e)
    logarithm = _at_ends(w, x, logarithm)
    z = w.mul(logarithm, w.b.fpext(y, w.type))
    p, power = exp2_unscaled(w, w.at_least(w.at_most(z, 200.0), -200.0), c.EXP2_MIDDLE)
    return w.b.fptrunc(w.mul(p, power), v.type)


def _at_ends(v: Lanes, x: ir.Value, logarithm: ir.Value) -> ir.Value:
    """The logarithm of x ≥ 0, put right at 0, ∞ and NaN."""
    ans = v.select(v.compare("<", x, math.inf), logarithm, x)
    return v.select(v.compare("==", x, 0.0), -math.inf, ans)


def _double(v: Lanes, size: ir.Value, y: ir.Value) -> ir.Value:
    """|x|^y in float64."""
    high, low = extended_log(v, size)
    high = _at_ends(v, size, high)
    product, lost = v.two_product(high, y)
    tail = v.fma(low, y, lost)
    # Where the product overflows, or comes from an infinity, the tail is NaN or of no use.
    near = v.compare("<", v.fabs(product), 1e4)
    return exp_of_sum(v, product, v.select(near, tail, 0.0))


def extended_log(v: Lanes, x: ir.Value) -> Pair:
    """log x as a sum of two floats, for finite x > 0: 2s + s³·(2/3 + z·(2/5 + …)), z = s², s = (m − 1) / (m + 1)."""
    normal, added = normalize(v, x)
    exponent, _, m = split(v, normal)
    e = v.sub(exponent, added)
    f = v.sub(m, 1.0)
    s, s_low = _quotient(v, f, v.fast_two_sum(2.0, f))
    z, z_low = v.two_product(s, s)
    z_low = v.fma(v.add(s, s), s_low, z_low)
    inner, inner_low = v.fast_two_sum(c.TWO_THIRDS[0], v.mul(z, v.horner(z, c.LOG_EXTENDED)))
    inner_low = v.add(inner_low, c.TWO_THIRDS[1])
    cube, cube_low = _product(v, (s, s_low), (z, z_low))
    rest, rest_low = _product(v, (cube, cube_low), (inner, inner_low))
    first, middle, last = c.LN2_EXTENDED
    total, low = v.fast_two_sum(v.mul(e, first), v.add(s, s))
    added_low = v.add(v.add(s_low, s_low), v.fma(e, last, rest_low))
    total, low2 = v.two_sum(total, v.mul(e, middle))
    total, low3 = v.two_sum(total, rest)
    return v.fast_two_sum(total, v.add(v.add(low, low2), v.add(low3, added_low)))


def _quotient(v: Lanes, x: ir.Value, y: Pair) -> Pair:
    """x / y to twice the precision."""
    high = v.div(x, y[0])
    remainder = v.fma(v.neg(high), y[1], v.fma(v.neg(high), y[0], x))
    return high, v.div(remainder, y[0])


def _product(v: Lanes, x: Pair, y: Pair) -> Pair:
    """x · y to twice the precision."""
    high, low = v.two_product(x[0], y[0])
    return high, v.fma(x[0], y[1], v.fma(x[1], y[0], low))


def _special(v: Lanes, x: ir.Value, y: ir.Value, size: ir.Value) -> ir.Value:
    """The sign of x^y, NaN for roots of negative numbers, and 1 for x = 1 or y = 0 even beside a NaN."""
    b = v.b
    whole = v.compare("==", v.call("floor", y), y)
    half = v.mul(y, 0.5)
    # Beyond 2^fraction halves are whole too; at ±∞ the comparison of ∞ with itself finds no odd number.
    odd = b.and_(whole, v.compare("!=", v.call("floor", half), half))
    signed = v.select(odd, v.copysign(size, x), size)
    root = b.and_(b.not_(whole), b.and_(v.compare("<", x, 0.0), v.compare(">", x, -math.inf)))
    ans = v.select(root, math.nan, signed)
    return v.select(b.or_(v.compare("==", x, 1.0), v.compare("==", y, 0.0)), 1.0, ans)


def _integer_power(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """x^y modulo 2^bits by squaring, in a loop over the bits of the largest exponent (read as unsigned)."""
    before, loop, done = b.block, b.append_basic_block("power.loop"), b.append_basic_block("power.done")
    b.branch(loop)
    b.position_at_end(loop)
    ans, base, rest = b.phi(x.type), b.phi(x.type), b.phi(y.type)
    one = splat(x.type, 1)
    zero = splat(x.type, 0)
    odd = b.icmp_unsigned("!=", b.and_(rest, one), zero)
    next_ans = b.select(odd, b.mul(ans, base), ans)
    next_base, next_rest = b.mul(base, base), b.lshr(rest, one)
    for phi, start, after in ((ans, one, next_ans), (base, x, next_base), (rest, y, next_rest)):
        phi.add_incoming(start, before)
        phi.add_incoming(after, loop)
    more = b.icmp_unsigned("!=", next_rest, zero)
    if isinstance(x.type, ir.VectorType):
        mask = ir.IntType(x.type.count)
        more = b.icmp_unsigned("!=", b.bitcast(more, mask), ir.Constant(mask, 0))
    b.cbranch(more, loop, done)
    b.position_at_end(done)
    return next_ans
