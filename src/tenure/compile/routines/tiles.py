"""Tiles in registers: a few rows of results by a few vectors of them, one term a step.

    strip     out[i][t] = Σ_e weights[i][e] source[offsets[e] + t]         for i < m, t < count
    sums      out[i][e] += Σ_t left[i][t] source[offsets[e] + t]           for i < m, e < count

The first goes term by term, so each result is one chain of fused multiplications and additions, whatever the vectors.
The second adds in LANES lanes, then the halves of these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted
from tenure.compile.routines.code import I32, I64, POINTER, VOID, at, larger, least, load, repeat, splat, started
from tenure.ops.cuts import QUAD

STRIP = ir.FunctionType(VOID, [POINTER, I64, POINTER, POINTER, I64, I64, POINTER, I64, I64, I64, I64])
TILE = ir.FunctionType(VOID, [POINTER, I64, POINTER, POINTER, I64, POINTER, I64, I64])
REALS = {32: ir.FloatType(), 64: ir.DoubleType()}
WIDE, LONG = 3, 8
"""Vectors of a tile, and of one of a single row."""


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
    return at(b, source, number(b, offsets, e), t)


def number(b: ir.IRBuilder, numbers: ir.Value, e: ir.Value) -> ir.Value:
    """A number of a list of short ones."""
    return b.sext(b.load(at(b, numbers, e, I32), typ=I32), I64)


def emit_strips(module: ir.Module, name: str, bits: int, lanes: int) -> ir.Function:
    """``strip`` (weights, from row to row of them, offsets, source, terms, of these at once, out, pitch, count, rows,
    terms that are in it): vectors of results, for each some terms, and for these a few rows after the other, while
    what they read is near."""
    t = REALS[bits]
    sizes = [(m, v) for m in range(1, QUAD + 1) for v in (*range(1, WIDE + 1), *([LONG] if m == 1 else []))]
    made = {size: emit_tile(module, f"{name}.{size[0]}.{size[1]}", t, lanes, *size) for size in sizes}
    function, b = started(module, name, STRIP)
    weights, down, offsets, source, terms, depth, out, pitch, count, rows, before = function.args
    alone = b.icmp_signed("==", rows, constant(1))

    def tiles(v: int, k: ir.Value) -> None:
        start = b.sub(count, constant(v * lanes))
        start = b.select(b.icmp_signed("<", start, k), larger(b, start, constant(0)), k)

        def some_terms(e: ir.Value, _: list[Any]) -> list[Any]:
            many = least(b, depth, b.sub(terms, e))

            def some_rows(i: ir.Value, _: list[Any]) -> list[Any]:
                row, panel = b.add(b.mul(i, pitch), start), b.add(b.mul(i, down), e)
                passed = [at(b, weights, panel, t), down, at(b, offsets, e, I32), at(b, source, start, t), many]
                passed += [at(b, out, row, t), pitch, b.add(before, e)]
                ways = [m for m in range(1, QUAD + 1) if (m, v) in made]
                chosen(b, least(b, constant(len(ways)), b.sub(rows, i)), lambda m: b.call(made[m, v], passed), ways)
                return []

            counted(b, constant(0), rows, QUAD, some_rows)
            return []

        stepped(b, constant(0), larger(b, terms, constant(1)), depth, some_terms)

    def column(held: list[Any]) -> list[Any]:
        """Three vectors, but two and two where four are left; many of a single row."""
        (k,) = held
        left = b.sdiv(b.add(b.sub(count, k), constant(lanes - 1)), constant(lanes))
        wide = b.select(b.icmp_signed("==", left, constant(WIDE + 1)), constant(2), least(b, constant(WIDE), left))
        wide = b.select(b.and_(alone, b.icmp_signed(">=", left, constant(LONG))), constant(LONG), wide)
        chosen(b, wide, lambda v: tiles(v, k), (*range(1, WIDE + 1), LONG))
        return [b.add(k, b.mul(wide, constant(lanes)))]

    repeat(b, lambda held: b.icmp_signed("<", held[0], count), column, [constant(0)])
    b.ret_void()
    return function


def stepped(
    b: ir.IRBuilder, start: ir.Value, stop: ir.Value, step: ir.Value, body: Callable[[ir.Value, list[Any]], list[Any]]
) -> None:
    """for i in range(start, stop, step), of a step that the run knows."""

    def one(held: list[Any]) -> list[Any]:
        body(held[0], [])
        return [b.add(held[0], step)]

    repeat(b, lambda held: b.icmp_signed("<", held[0], stop), one, [start])


def chosen(
    b: ir.IRBuilder, number: ir.Value, body: Callable[[int], Any], ways: Sequence[int] = range(1, QUAD + 1)
) -> None:
    """``body(k)`` of the number that it is, of a few."""
    done = b.append_basic_block("chosen")
    cases = b.switch(number, done)
    for k in ways:
        way = b.append_basic_block(f"way{k}")
        cases.add_case(constant(k), way)
        b.position_at_end(way)
        body(k)
        b.branch(done)
    b.position_at_end(done)


def emit_tile(module: ir.Module, name: str, t: ir.Type, lanes: int, m: int, v: int) -> ir.Function:
    """m rows by v vectors of results; the last argument says how many terms are in them."""
    function, b = started(module, name, TILE)
    weights, down, offsets, source, terms, out, pitch, before = function.args
    wide = ir.VectorType(t, lanes)
    rows = [at(b, weights, b.mul(constant(i), down), t) for i in range(m)]
    spots = [at(b, out, b.add(b.mul(constant(i), pitch), constant(j * lanes)), t) for i in range(m) for j in range(v)]

    def term(e: ir.Value, held: list[Any]) -> list[Any]:
        start = shifted(b, source, offsets, e, t)
        xs = [vector(b, start, j * lanes, t, lanes) for j in range(v)]
        ws = [splat(b, load(b, row, e, t), lanes) for row in rows]
        return [fused(b, ws[i], xs[j], held[i * v + j]) for i in range(m) for j in range(v)]

    first, again, begin = b.block, b.append_basic_block("again"), b.append_basic_block("begin")
    b.cbranch(b.icmp_signed("==", before, constant(0)), begin, again)
    b.position_at_end(again)
    old = [b.load(spot, typ=wide, align=4) for spot in spots]
    b.branch(begin)
    b.position_at_end(begin)
    held = []
    for x in old:
        phi = b.phi(wide)
        phi.add_incoming(ir.Constant(wide, None), first)
        phi.add_incoming(x, again)
        held.append(phi)
    for x, spot in zip(counted(b, constant(0), terms, 1, term, held), spots, strict=True):
        b.store(x, spot, align=4)
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
