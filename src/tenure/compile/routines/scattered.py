"""Results of a panel, put one by one where they belong.

    scattered    out[i][to[p]] = sums[from[p]][i]        for i < many, p < count
    added        out[to[p]] += sums[from[p]]

A list of pairs (from, to) says where, so rows of a few elements, borders and steps cost nothing of their own. ``pairs``
has the number behind the last one in the place of the first.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted
from tenure.compile.routines.code import I32, I64, POINTER, VOID, at, load, started, store
from tenure.compile.routines.tiles import REALS, number
from tenure.ops.cuts import QUAD

SCATTERED = ir.FunctionType(VOID, [POINTER, POINTER, POINTER, I64, I64])
ADDED = ir.FunctionType(VOID, [POINTER, POINTER, POINTER])


def emit_scattered(module: ir.Module, name: str, bits: int) -> ir.Function:
    """``scattered`` (sums, pairs, out, elements from result to result, many)."""
    t = REALS[bits]
    function, b = started(module, name, SCATTERED)
    sums, pairs, out, size, many = function.args
    count = ended(b, pairs)

    def some(m: int, i: ir.Value) -> list[Any]:
        rows = [at(b, out, b.mul(b.add(i, constant(k)), size), t) for k in range(m)]

        def one(p: ir.Value, _: list[Any]) -> list[Any]:
            source, to = pair(b, pairs, p)
            xs = [load(b, at(b, sums, b.add(i, constant(k)), t), source, t) for k in range(m)]
            for x, row in zip(xs, rows, strict=True):
                store(b, x, row, to)
            return []

        return counted(b, constant(1), count, 1, one)

    whole = b.and_(many, constant(-QUAD))
    counted(b, constant(0), whole, QUAD, lambda i, _: some(QUAD, i))
    counted(b, whole, many, 1, lambda i, _: some(1, i))
    b.ret_void()
    return function


def emit_added(module: ir.Module, name: str, bits: int) -> ir.Function:
    """``added`` (sums, pairs, out)."""
    t = REALS[bits]
    function, b = started(module, name, ADDED)
    sums, pairs, out = function.args

    def one(p: ir.Value, _: list[Any]) -> list[Any]:
        source, to = pair(b, pairs, p)
        store(b, b.fadd(load(b, out, to, t), load(b, sums, source, t)), out, to)
        return []

    counted(b, constant(1), ended(b, pairs), 1, one)
    b.ret_void()
    return function


def pair(b: ir.IRBuilder, pairs: ir.Value, p: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Pair number p, of 1 and more."""
    first = b.mul(p, constant(2))
    return number(b, pairs, first), number(b, pairs, b.add(first, constant(1)))


def cleared(b: ir.IRBuilder, pairs: ir.Value) -> None:
    """Begin a list of pairs."""
    b.store(constant(1), pairs, align=4)


def paired(b: ir.IRBuilder, pairs: ir.Value, source: ir.Value, to: ir.Value, there: ir.Value) -> None:
    """Write the next pair, if it is there: what is behind the last one is written over."""
    p = ended(b, pairs)
    first = b.mul(p, constant(2))
    for k, x in enumerate((source, to)):
        b.store(b.trunc(x, I32), at(b, pairs, b.add(first, constant(k)), I32))
    b.store(b.add(p, b.zext(there, I64)), pairs, align=4)


def ended(b: ir.IRBuilder, pairs: ir.Value) -> ir.Value:
    """The number behind the last pair; it stands in the place of the first."""
    return b.load(pairs, typ=I64, align=4)
