"""Tiles in registers: a few rows of results by a few vectors of them, one term a step.

    strip     out[i][t] = Σ_e weights[e][i] source[offsets[e] + t]         for i < m, t < count
    sums      out[i][e] += Σ_t left[i][t] source[offsets[e] + t]           for i < m, e < count

The first goes term by term, so each result is one chain of fused multiplications and additions, whatever the vectors.
The second adds in LANES lanes, then the halves of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted
from tenure.compile.routines.code import I32, I64, POINTER, VOID, at, load, splat, started
from tenure.ops.tiling import QUAD

STRIP = ir.FunctionType(VOID, [POINTER, POINTER, POINTER, I64, POINTER, I64, I64])
TILE = ir.FunctionType(VOID, [POINTER, POINTER, POINTER, I64, POINTER, I64])
REALS = {32: ir.FloatType(), 64: ir.DoubleType()}
WIDE = 3
"""Vectors of a tile."""


def fused(b: ir.IRBuilder, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
    """x · y + z, rounded once."""
    t = x.type
    kind, scalar = ("", t) if not isinstance(t, ir.VectorType) else (f"v{t.count}", t.element)
    name = f"llvm.fma.{kind}f{32 if scalar == ir.FloatType() else 64}"
    made = b.module.globals.get(name) or ir.Function(b.module, ir.FunctionType(t, [t, t, t]), name)
    return b.call(made, [x, y, z])


def vector(b: ir.IRBuilder, start: ir.Value, i: ir.Value | int, t: ir.Type, lanes: int) -> ir.Value:
    """So many elements from number i on."""
    return b.load(at(b, start, i, t), typ=ir.VectorType(t, lanes), align=4)


def shifted(b: ir.IRBuilder, source: ir.Value, offsets: ir.Value, e: ir.Value, t: ir.Type) -> ir.Value:
    """The address behind offset number e."""
    return at(b, source, b.sext(b.load(at(b, offsets, e, I32), typ=I32), I64), t)


def emit_strips(module: ir.Module, name: str, bits: int, lanes: int) -> list[ir.Function]:
    """``strip`` of one row of results, of two, … (weights, offsets, source, terms, out, pitch, count)."""
    return [emit_strip(module, f"{name}.strip{m}", bits, lanes, m) for m in range(1, QUAD + 1)]


def emit_strip(module: ir.Module, name: str, bits: int, lanes: int, m: int) -> ir.Function:
    """``strip`` of m rows: tiles, the last ones narrower."""
    tiles = [emit_tile(module, f"{name}.{v}", REALS[bits], lanes, m, v) for v in range(1, WIDE + 1)]
    function, b = started(module, name, STRIP)
    weights, offsets, source, terms, out, pitch, count = function.args

    def tile(t: ir.Value, _: list[Any]) -> list[Any]:
        left = b.sub(count, t)
        passed = [weights, offsets, at(b, source, t, REALS[bits]), terms, at(b, out, t, REALS[bits]), pitch]
        many = b.icmp_signed(">", left, constant((WIDE - 1) * lanes))
        with b.if_else(many) as (full, part):
            with full:
                b.call(tiles[-1], passed)
            with part, b.if_else(b.icmp_signed(">", left, constant(lanes))) as (two, one):
                with two:
                    b.call(tiles[1], passed)
                with one:
                    b.call(tiles[0], passed)
        return []

    counted(b, constant(0), count, WIDE * lanes, tile)
    b.ret_void()
    return function


def emit_tile(module: ir.Module, name: str, t: ir.Type, lanes: int, m: int, v: int) -> ir.Function:
    """m rows by v vectors of results."""
    function, b = started(module, name, TILE)
    weights, offsets, source, terms, out, pitch = function.args

    def term(e: ir.Value, held: list[Any]) -> list[Any]:
        start, row = shifted(b, source, offsets, e, t), at(b, weights, b.mul(e, constant(QUAD)), t)
        xs = [vector(b, start, j * lanes, t, lanes) for j in range(v)]
        ws = [splat(b, load(b, row, i, t), lanes) for i in range(m)]
        return [fused(b, ws[i], xs[j], held[i * v + j]) for i in range(m) for j in range(v)]

    zero = ir.Constant(ir.VectorType(t, lanes), None)
    held = counted(b, constant(0), terms, 1, term, [zero] * (m * v))
    for i in range(m):
        for j in range(v):
            place = b.add(b.mul(constant(i), pitch), constant(j * lanes))
            b.store(held[i * v + j], at(b, out, place, t), align=4)
    b.ret_void()
    return function


def emit_sums(module: ir.Module, name: str, bits: int, lanes: int) -> list[ir.Function]:
    """``sums`` of one row, of two, … (left, offsets, source, count of offsets, out, its pitch, count of terms; a row
    of ``left`` has ``pitch`` elements, which the last argument says)."""
    return [emit_sum(module, f"{name}.sums{m}", bits, lanes, m) for m in range(1, QUAD + 1)]


SUMS = ir.FunctionType(VOID, [POINTER, POINTER, POINTER, I64, POINTER, I64, I64, I64])


def emit_sum(module: ir.Module, name: str, bits: int, lanes: int, m: int) -> ir.Function:
    """``sums`` of m rows: WIDE offsets at once, then one by one."""
    t = REALS[bits]
    function, b = started(module, name, SUMS)
    left, offsets, source, count, out, pitch, terms, row = function.args

    def several(v: int, e: ir.Value) -> None:
        starts = [shifted(b, source, offsets, b.add(e, constant(j)), t) for j in range(v)]

        def term(k: ir.Value, held: list[Any]) -> list[Any]:
            ys = [vector(b, left, b.add(b.mul(constant(i), row), k), t, lanes) for i in range(m)]
            xs = [vector(b, start, k, t, lanes) for start in starts]
            return [fused(b, ys[i], xs[j], held[i * v + j]) for i in range(m) for j in range(v)]

        zero = ir.Constant(ir.VectorType(t, lanes), None)
        held = counted(b, constant(0), terms, lanes, term, [zero] * (m * v))
        for i in range(m):
            for j in range(v):
                place = at(b, out, b.add(b.mul(constant(i), pitch), b.add(e, constant(j))), t)
                b.store(b.fadd(b.load(place, typ=t), halved(b, held[i * v + j])), place)

    def wide(e: ir.Value, _: list[Any]) -> list[Any]:
        several(WIDE, e)
        return []

    def single(e: ir.Value, _: list[Any]) -> list[Any]:
        several(1, e)
        return []

    whole = b.sub(count, b.srem(count, constant(WIDE)))
    counted(b, constant(0), whole, WIDE, wide)
    counted(b, whole, count, 1, single)
    b.ret_void()
    return function


def halved(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The sum of the lanes: those of one half and the other, and so on."""
    n = x.type.count
    while n > 1:
        n //= 2
        none = ir.Constant(x.type, ir.Undefined)
        parts: Sequence[list[int]] = (list(range(n)), list(range(n, 2 * n)))
        low, high = (b.shuffle_vector(x, none, ir.Constant(ir.VectorType(I32, n), part)) for part in parts)
        x = b.fadd(low, high)
    return b.extract_element(x, ir.Constant(I32, 0))
