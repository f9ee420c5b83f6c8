"""Fourier transforms of short vectors, as many side by side as a register has lanes.

    x[i, p, j]  →  w^(j q) Σ_p x[i, p, j] ω^(p q) at [i, q, j]      of blocks · r · m numbers: a pass of radix r

A transform of n is a chain of passes in place, whose radices have the product n: of the first there is one block, of
the last m = 1. w is the root of unity of r·m, ω that of r. The results lie with their digits in reverse, and are read
by a list of places. A number is two vectors, the real and the imaginary parts of LANES transforms, so every operation
is one of whole vectors, and no lane knows of another.

The roots are a table of the n-th ones, of which each pass reads every so many. The inverse transform takes the parts of
every number in exchanged places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from tenure.compile.math.lanes import Lanes
from tenure.compile.math.trigonometric import eighth
from tenure.compile.nests import constant, counted
from tenure.compile.routines.code import I32, I64, POINTER, VOID, at, load, repeat, splat, started, store
from tenure.compile.routines.tiles import fused

Number = tuple[ir.Value, ir.Value]
PASS = ir.FunctionType(VOID, [POINTER, POINTER, I64, I64, I64, I64])
"""Numbers, roots, blocks, their length, which of the roots to read, 1 to exchange the parts."""
PAIRS = ir.FunctionType(VOID, [POINTER, POINTER, POINTER, I64])
"""Numbers, roots, places, the half of the real vector's length."""
RADICES = (2, 3, 4, 5, 7, 8)
SIDE = 4
BEYOND = SIDE
"""Roots that may be written behind the last one."""


class Vectors:
    """Complex numbers whose parts are vectors of LANES lanes, and real constants."""

    def __init__(self, b: ir.IRBuilder, t: ir.Type, lanes: int) -> None:
        self.b, self.t, self.lanes, self.type = b, t, lanes, ir.VectorType(t, lanes)
        self.size = lanes * (4 if isinstance(t, ir.FloatType) else 8)

    def real(self, x: float) -> ir.Value:
        return splat(self.b, ir.Constant(self.t, x), self.lanes)

    def add(self, x: Number, y: Number) -> Number:
        return self.b.fadd(x[0], y[0]), self.b.fadd(x[1], y[1])

    def sub(self, x: Number, y: Number) -> Number:
        return self.b.fsub(x[0], y[0]), self.b.fsub(x[1], y[1])

    def mul(self, x: Number, y: Number) -> Number:
        b = self.b
        return (
            fused(b, x[0], y[0], b.fneg(b.fmul(x[1], y[1]))),
            fused(b, x[0], y[1], b.fmul(x[1], y[0])),
        )

    def scaled(self, x: Number, factor: ir.Value) -> Number:
        return self.b.fmul(x[0], factor), self.b.fmul(x[1], factor)

    def plus(self, x: Number, factor: float, y: Number) -> Number:
        """x + factor · y."""
        f = self.real(factor)
        return fused(self.b, f, y[0], x[0]), fused(self.b, f, y[1], x[1])

    def turned(self, x: Number) -> Number:
        """−i x."""
        return x[1], self.b.fneg(x[0])

    def conjugate(self, x: Number) -> Number:
        return x[0], self.b.fneg(x[1])

    def parts(self, numbers: ir.Value, exchanged: ir.Value | None = None) -> Number:
        """The addresses of the real and of the imaginary parts of numbers."""
        places = numbers, at(self.b, numbers, 1, self.type)
        if exchanged is None:
            return places
        other = self.b.icmp_unsigned("!=", exchanged, constant(0))
        return self.b.select(other, *places[::-1]), self.b.select(other, *places)

    def load(self, parts: Number, i: ir.Value) -> Number:
        """Number i."""
        re, im = (self.b.load(self.place(p, i), typ=self.type, align=self.size) for p in parts)
        return re, im

    def store(self, x: Number, parts: Number, i: ir.Value) -> None:
        for part, p in zip(x, parts, strict=True):
            self.b.store(part, self.place(p, i), align=self.size)

    def place(self, part: ir.Value, i: ir.Value) -> ir.Value:
        return at(self.b, part, i, ir.ArrayType(self.type, 2))

    def root(self, table: ir.Value, k: ir.Value) -> Number:
        """Root number k in every lane."""
        start = at(self.b, table, self.b.shl(k, constant(1)), self.t)
        parts = [self.b.load(at(self.b, start, j, self.t), typ=self.t) for j in range(2)]
        return splat(self.b, parts[0], self.lanes), splat(self.b, parts[1], self.lanes)


def two(v: Vectors, x: Sequence[Number]) -> list[Number]:
    return [v.add(*x), v.sub(*x)]


def four(v: Vectors, x: Sequence[Number]) -> list[Number]:
    (a, b), (c, d) = two(v, [x[0], x[2]]), two(v, [x[1], x[3]])
    d = v.turned(d)
    return [v.add(a, c), v.add(b, d), v.sub(a, c), v.sub(b, d)]


def eight(v: Vectors, x: Sequence[Number]) -> list[Number]:
    even, odd = four(v, x[::2]), four(v, x[1::2])
    half = v.real(math.sqrt(0.5))
    (a, b), (c, d) = odd[1], odd[3]
    odd[1] = v.scaled((v.b.fadd(a, b), v.b.fsub(b, a)), half)
    odd[2] = v.turned(odd[2])
    odd[3] = v.scaled((v.b.fsub(d, c), v.b.fneg(v.b.fadd(c, d))), half)
    pairs = list(zip(even, odd, strict=True))
    return [*(v.add(x, y) for x, y in pairs), *(v.sub(x, y) for x, y in pairs)]


def odd(v: Vectors, x: Sequence[Number]) -> list[Number]:
    """A prime radix: cosines of the sums of opposite numbers, sines of their differences."""
    r = len(x)
    pairs = [(v.add(x[k], x[r - k]), v.sub(x[k], x[r - k])) for k in range(1, r // 2 + 1)]
    total = x[0]
    for even, _ in pairs:
        total = v.add(total, even)
    found = [total, *[total] * (r - 1)]
    for q in range(1, r // 2 + 1):
        near, far = x[0], (v.real(0.0), v.real(0.0))
        for k, (even, other) in enumerate(pairs, 1):
            angle = 2 * math.pi * (k * q % r) / r
            near, far = v.plus(near, math.cos(angle), even), v.plus(far, math.sin(angle), other)
        turned = v.turned(far)
        found[q], found[r - q] = v.add(near, turned), v.sub(near, turned)
    return found


BUTTERFLIES: dict[int, Callable[[Vectors, Sequence[Number]], list[Number]]] = {2: two, 4: four, 8: eight}


def emit_pass(module: ir.Module, name: str, t: ir.Type, lanes: int, radix: int, last: bool) -> ir.Function:
    """A pass; the last of a chain, which has m = 1, needs no roots."""
    function, b = started(module, name, PASS)
    numbers, table, blocks, length, unit, exchanged = function.args
    v, m, step = Vectors(b, t, lanes), b.udiv(length, constant(radix)), b.mul(blocks, unit)
    parts = v.parts(numbers, exchanged)

    def block(i: ir.Value, _: list[Any]) -> list[Any]:
        def column(j: ir.Value, _: list[Any]) -> list[Any]:
            places = [b.add(b.add(start, b.mul(m, constant(p))), j) for p in range(radix)]
            y, *rest = BUTTERFLIES.get(radix, odd)(v, [v.load(parts, k) for k in places])
            if not last:
                first = b.mul(j, step)
                roots = [v.root(table, b.mul(first, constant(q))) for q in range(1, radix)]
                rest = [v.mul(y, w) for y, w in zip(rest, roots, strict=True)]
            for x, k in zip([y, *rest], places, strict=True):
                v.store(x, parts, k)
            return []

        start = b.mul(i, length)
        if last:
            column(constant(0), [])
        else:
            counted(b, constant(0), m, 1, column)
        return []

    counted(b, constant(0), blocks, 1, block)
    b.ret_void()
    return function


def emit_chain(module: ir.Module, name: str, t: ir.Type, lanes: int) -> ir.Function:
    """All passes of a transform. Of ``radices`` the last four bits are the first."""
    function, b = started(module, name, ir.FunctionType(VOID, [POINTER, POINTER, I64, I64, I64, I64]))
    numbers, table, radices, n, unit, exchanged = function.args
    passes = {
        (radix, last): emit_pass(module, f"{name}.{radix}{'.last' if last else ''}", t, lanes, radix, last)
        for radix in RADICES
        for last in (False, True)
    }

    def one(held: list[Any]) -> list[Any]:
        rest, blocks, length = held
        radix, rest = b.and_(rest, constant(15)), b.lshr(rest, constant(4))
        done = b.append_basic_block("passed")
        ends = b.zext(b.icmp_signed("==", length, radix), I64)
        ways = b.switch(b.add(b.shl(radix, constant(1)), ends), done)
        for (number, last), emitted in passes.items():
            way = b.append_basic_block("way")
            ways.add_case(constant(2 * number + last), way)
            b.position_at_end(way)
            b.call(emitted, [numbers, table, blocks, length, unit, exchanged])
            b.branch(done)
        b.position_at_end(done)
        return [rest, b.mul(blocks, radix), b.udiv(length, radix)]

    repeat(b, lambda held: b.icmp_unsigned("!=", held[0], constant(0)), one, [radices, constant(1), n])
    b.ret_void()
    return function


def emit_places(module: ir.Module, name: str) -> ir.Function:
    """The places of a chain's results (list, radices, n), as short numbers; number n lies at n."""
    function, b = started(module, name, ir.FunctionType(VOID, [POINTER, I64, I64]))
    places, radices, n = function.args

    def one(held: list[Any]) -> list[Any]:
        rest, blocks, length = held
        radix, rest = b.and_(rest, constant(15)), b.lshr(rest, constant(4))
        m = b.udiv(length, radix)

        def digit(q: ir.Value, _: list[Any]) -> list[Any]:
            more, start = b.trunc(b.mul(q, m), I32), b.mul(q, blocks)

            def several(i: ir.Value, _: list[Any]) -> list[Any]:
                store(b, b.add(load(b, places, i, I32), more), places, b.add(start, i))
                return []

            counted(b, constant(0), blocks, 1, several)
            return []

        counted(b, constant(1), radix, 1, digit)
        return [rest, b.mul(blocks, radix), m]

    store(b, I32(0), places, 0)
    repeat(b, lambda held: b.icmp_unsigned("!=", held[0], constant(0)), one, [radices, constant(1), n])
    store(b, b.trunc(n, I32), places, n)
    b.ret_void()
    return function


def emit_untangled(module: ir.Module, name: str, t: ir.Type, lanes: int, real: bool) -> ir.Function:
    """From the transform of pairs of neighbours, whose places are listed, to the first half of that of the real vector,
    in place; or back, where all lies in order."""
    function, b = started(module, name, PAIRS)
    numbers, table, places, half = function.args
    v = Vectors(b, t, lanes)
    parts = v.parts(numbers)

    def place(k: ir.Value) -> ir.Value:
        return b.zext(load(b, places, k, I32), I64) if real else k

    def pair(k: ir.Value, _: list[Any]) -> list[Any]:
        here, there = place(k), place(b.sub(half, k))
        x, y, w = v.load(parts, here), v.conjugate(v.load(parts, there)), v.root(table, k)
        even, other = v.add(x, y), v.sub(x, y)
        if real:  # of the transform: halves of both, the odd ones turned back by −i
            scale = v.real(0.5)
            even, other = v.scaled(even, scale), v.turned(v.scaled(other, scale))
        else:
            other, w = (b.fneg(other[1]), other[0]), v.conjugate(w)
        other = v.mul(other, w)
        v.store(v.add(even, other), parts, here)
        v.store(v.conjugate(v.sub(even, other)), parts, there)
        return []

    first = v.load(parts, constant(0))
    if real:
        zero = v.real(0.0)
        sums = (b.fadd(*first), b.fsub(*first))
        v.store((sums[0], zero), parts, constant(0))
        v.store((sums[1], zero), parts, half)
    else:
        (x, _), (y, _) = first, v.load(parts, half)
        v.store((b.fadd(x, y), b.fsub(x, y)), parts, constant(0))
    counted(b, constant(1), b.add(b.lshr(half, constant(1)), constant(1)), 1, pair)
    b.ret_void()
    return function


def emit_roots(module: ir.Module, name: str, t: ir.Type) -> ir.Function:
    """exp(−2πi k/n) for k < n, into a table with room for SIDE more: by the nearest quarter turn and the rest."""
    function, b = started(module, name, ir.FunctionType(VOID, [POINTER, I64]))
    table, n = function.args
    wide = ir.VectorType(ir.DoubleType(), SIDE)
    v = Lanes(b, wide)
    size = splat(b, b.sitofp(n, ir.DoubleType()), SIDE)
    unit, quarters = v.div(math.pi / 2, size), v.div(4.0, size)
    steps = ir.Constant(wide, [float(k) for k in range(SIDE)])

    def several(k: ir.Value, _: list[Any]) -> list[Any]:
        index = b.fadd(splat(b, b.sitofp(k, ir.DoubleType()), SIDE), steps)
        rounded = v.fma(index, quarters, v.format.magic)
        quarter = v.bits(rounded)
        rest = v.fma(v.neg(v.sub(rounded, v.format.magic)), size, v.mul(index, 4.0))
        sine, cosine = eighth(v, v.mul(rest, unit))
        odd = b.icmp_unsigned("!=", b.and_(quarter, v.whole(1)), v.whole(0))
        re, im = v.select(odd, v.neg(sine), cosine), v.neg(v.select(odd, cosine, sine))
        sign = v.shift_left(b.and_(quarter, v.whole(2)), v.format.bits - 2)
        parts = [v.from_bits(b.xor(v.bits(x), sign)) for x in (re, im)]
        order = ir.Constant(ir.VectorType(I32, 2 * SIDE), [k // 2 + SIDE * (k % 2) for k in range(2 * SIDE)])
        both = b.shuffle_vector(*parts, order)
        if isinstance(t, ir.FloatType):
            both = b.fptrunc(both, ir.VectorType(t, 2 * SIDE))
        b.store(both, at(b, table, b.shl(k, constant(1)), t), align=4)
        return []

    counted(b, constant(0), n, SIDE, several)
    b.ret_void()
    return function
