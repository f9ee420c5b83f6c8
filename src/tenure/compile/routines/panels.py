"""Panels: a few vectors of results side by side, by places that lie anywhere.

    panels    out[i][j] = Σ_e panel[e][j] source[places[i] + offsets[e]]    for i < count, j < WIDTH
    turned    rows[j][i] = out[i][j]
    laid      panel[e][j] = rows[j][e]

``panel`` lies in lines of WIDTH elements, and each element of the source is one for all lanes, so strides, borders and
ends of rows cost nothing. Terms go some at a time, each a chain of fused multiplications and additions from zero;
their sums are added in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted
from tenure.compile.routines.code import I32, I64, POINTER, VOID, at, larger, least, load, repeat, splat, started, store
from tenure.compile.routines.tiles import REALS, fused, number, stepped, vector
from tenure.compile.transpose import in_registers, prefetch
from tenure.ops.panels import width

PANELS = ir.FunctionType(VOID, [POINTER, POINTER, POINTER, POINTER, *[I64] * 3, POINTER, I64, I64])
TILE = ir.FunctionType(VOID, [POINTER, POINTER, POINTER, POINTER, I64, POINTER, I64])
TURN = ir.FunctionType(VOID, [POINTER, I64, POINTER, I64, I64])
PLACES = {1: (8, 4), 2: (6, 4), 4: (2, 1), 8: (1, 1)}
"""Of the number of vectors of a line the places of a tile, such that sums fit registers, and of a small one."""
LARGEST, AHEAD = 8, 32
"""The places of the largest tile; elements that are asked for ahead."""


def emit_panels(module: ir.Module, name: str, bits: int, lanes: int) -> ir.Function:
    """``panels`` (panel, offsets, source, places, count, terms, of these at once, out, whether to add, whether half a
    line will do)."""
    t, vectors = REALS[bits], width(bits) // lanes
    made = {
        v: [emit_tile(module, f"{name}.{m}.{v}", t, lanes, m, v) for m in PLACES[v]] for v in {vectors, halved(vectors)}
    }
    function, b = started(module, name, PANELS)
    panel, offsets, source, places, count, terms, depth, out, adds, half = function.args

    def tiles(v: int, e: ir.Value) -> None:
        many, add = least(b, depth, b.sub(terms, e)), b.or_(adds, e)
        line, own = at(b, panel, b.mul(e, constant(width(bits))), t), at(b, offsets, e, I32)

        def one(held: list[Any]) -> list[Any]:
            (k,) = held
            place = at(b, out, b.mul(k, constant(width(bits))), t)
            passed = [line, own, source, at(b, places, k, I32), many, place, add]
            large = fits(b, b.sub(count, k), *PLACES[v])
            with b.if_else(large) as (yes, no):
                for way, call in zip((yes, no), made[v], strict=True):
                    with way:
                        b.call(call, passed)
            return [b.add(k, b.select(large, *[constant(m) for m in PLACES[v]]))]

        repeat(b, lambda held: b.icmp_signed("<", held[0], count), one, [constant(0)])

    def some_terms(e: ir.Value, _: list[Any]) -> list[Any]:
        if vectors == 1:
            tiles(1, e)
            return []
        with b.if_else(b.icmp_signed("!=", half, constant(0))) as (yes, no):
            with yes:
                tiles(halved(vectors), e)
            with no:
                tiles(vectors, e)
        return []

    stepped(b, constant(0), larger(b, terms, constant(1)), depth, some_terms)
    b.ret_void()
    return function


def halved(vectors: int) -> int:
    """The vectors of half a line."""
    return max(1, vectors // 2)


def fits(b: ir.IRBuilder, left: ir.Value, large: int, small: int) -> ir.Value:
    """Whether a large tile is right for what is left: small ones where they are fewer places too many."""
    within = b.and_(b.icmp_signed(">", left, constant(small)), b.icmp_signed("<=", left, constant(large)))
    return b.or_(within, b.icmp_signed(">", left, constant(2 * small)))


def emit_tile(module: ir.Module, name: str, t: ir.Type, lanes: int, m: int, v: int) -> ir.Function:
    """m places by v vectors of a line (panel, offsets, source, places, terms, out, whether to add)."""
    function, b = started(module, name, TILE)
    panel, offsets, source, places, terms, out, add = function.args
    size = (32 if isinstance(t, ir.FloatType) else 64) // 8
    wide, line = ir.VectorType(t, lanes), width(8 * size)
    starts = [at(b, source, number(b, places, constant(i)), t) for i in range(m)]
    spots = [at(b, out, i * line + j * lanes, t) for i in range(m) for j in range(v)]

    def term(e: ir.Value, held: list[Any]) -> list[Any]:
        own, skip = at(b, panel, b.mul(e, constant(line)), t), number(b, offsets, e)
        prefetch(b, at(b, starts[-1], b.add(skip, constant(AHEAD)), t))
        ws = [vector(b, own, j * lanes, t, lanes) for j in range(v)]
        xs = [splat(b, load(b, start, skip, t), lanes) for start in starts]
        return [fused(b, xs[i], ws[j], held[i * v + j]) for i in range(m) for j in range(v)]

    zero = ir.Constant(wide, None)
    found = counted(b, constant(0), terms, 1, term, [zero] * (m * v))
    with b.if_else(b.icmp_signed("!=", add, constant(0))) as (more, first):
        for way, old in ((more, True), (first, False)):
            with way:
                for x, spot in zip(found, spots, strict=True):
                    b.store(b.fadd(b.load(spot, typ=wide, align=size), x) if old else x, spot, align=size)
    b.ret_void()
    return function


def emit_turned(module: ir.Module, name: str, bits: int, lanes: int) -> ir.Function:
    """``turned`` (out, count, rows, from row to row, from place to place): whole vectors, behind the last place too."""
    t = REALS[bits]
    function, b = started(module, name, TURN)
    out, count, rows, pitch, step = function.args

    def put(first: int, k: ir.Value, xs: Sequence[ir.Value]) -> None:
        for i, x in enumerate(xs):
            b.store(x, at(b, rows, b.add(b.mul(pitch, constant(first + i)), k), t), align=bits // 8)

    def spread(first: int, k: ir.Value, xs: Sequence[ir.Value]) -> None:
        for i, x in enumerate(xs):
            start = at(b, rows, b.add(b.mul(pitch, constant(first + i)), b.mul(k, step)), t)
            for j in range(lanes):
                store(b, b.extract_element(x, ir.Constant(I32, j)), start, b.mul(step, constant(j)))

    def several(to: Any, k: ir.Value, _: list[Any]) -> list[Any]:
        for first in range(0, width(bits), lanes):
            start = at(b, out, b.mul(k, constant(width(bits))), t)
            xs = [vector(b, start, i * width(bits) + first, t, lanes) for i in range(lanes)]
            to(first, k, in_registers(b, xs))
        return []

    with b.if_else(b.icmp_signed("==", step, constant(1))) as (yes, no):
        for way, to in ((yes, put), (no, spread)):
            with way:
                counted(b, constant(0), count, lanes, partial(several, to))
    b.ret_void()
    return function


def emit_laid(module: ir.Module, name: str, bits: int, lanes: int) -> ir.Function:
    """``laid`` (rows, from row to row, rows that there are, elements, panel): the last row for those that are not."""
    t = REALS[bits]
    function, b = started(module, name, ir.FunctionType(VOID, [POINTER, I64, I64, I64, POINTER]))
    rows, pitch, many, count, panel = function.args
    last = b.sub(many, constant(1))
    starts = [at(b, rows, b.mul(pitch, least(b, constant(i), last)), t) for i in range(width(bits))]

    def several(k: ir.Value, _: list[Any]) -> list[Any]:
        for first in range(0, width(bits), lanes):
            xs = [vector(b, start, k, t, lanes) for start in starts[first : first + lanes]]
            lines(b, panel, k, first, in_registers(b, xs), bits)
        return []

    def single(k: ir.Value, _: list[Any]) -> list[Any]:
        for i, start in enumerate(starts):
            store(b, load(b, start, k, t), panel, b.add(b.mul(k, constant(width(bits))), constant(i)))
        return []

    whole = b.and_(count, constant(-lanes))
    counted(b, constant(0), whole, lanes, several)
    counted(b, whole, count, 1, single)
    b.ret_void()
    return function


def lines(b: ir.IRBuilder, panel: ir.Value, k: ir.Value, first: int, xs: Sequence[ir.Value], bits: int) -> None:
    """Store vectors in lines k, k + 1, …, from an element on."""
    for i, x in enumerate(xs):
        place = b.add(b.mul(b.add(k, constant(i)), constant(width(bits))), constant(first))
        b.store(x, at(b, panel, place, REALS[bits]), align=bits // 8)
