"""Decompositions of small real matrices, row by row: LAPACK's take longer to begin than these to end.

Each step subtracts a multiple of one row from those below it, eight elements at once; no sum goes over lanes, so that
the width of vectors changes no bit.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.code import I32, at, larger, least, load, splat, store
from tenure.ops.linear.eigh import LARGE

MOST = 64
"""The largest size; from there on LAPACK's blocks pay."""
LANES = 8


def intrinsic(b: ir.IRBuilder, name: str, *xs: ir.Value) -> ir.Value:
    """An LLVM intrinsic of operands and result of one type."""
    t = xs[0].type
    lane, count = (t.element, f"v{t.count}") if isinstance(t, ir.VectorType) else (t, "")
    full = f"llvm.{name}.{count}f{32 if isinstance(lane, ir.FloatType) else 64}"
    kind = ir.FunctionType(t, [t] * len(xs))
    return b.call(b.module.globals.get(full) or ir.Function(b.module, kind, full), xs)


class Rows:
    """Rows of n elements, from each of which a multiple of one row is taken; ``row`` has room for that one."""

    def __init__(self, b: ir.IRBuilder, t: ir.Type, start: ir.Value, n: ir.Value) -> None:
        self.b, self.t, self.start, self.n = b, t, start, n
        self.whole = b.and_(n, constant(-LANES))
        self.row = stack(b, ir.ArrayType(t, MOST))

    def each(self, first: ir.Value, last: ir.Value, step: int, body: Any) -> None:
        """``body`` of the numbers of a range."""

        def one(i: ir.Value, _: list[Any]) -> list[Any]:
            body(i)
            return []

        counted(self.b, first, last, step, one)

    def place(self, i: ir.Value, k: ir.Value) -> ir.Value:
        """The number of an element."""
        return self.b.add(self.b.mul(i, self.n), k)

    def subtract(self, i: ir.Value, factor: ir.Value, first: ir.Value, last: ir.Value) -> None:
        """Row i less so many times the row, from ``first`` to ``last``, where the row is 0 in front of ``first``; what
        is behind ``last`` may be changed too."""
        b, wide = self.b, ir.VectorType(self.t, LANES)
        minus = b.fneg(factor)
        minuses = splat(b, minus, LANES)

        def several(k: ir.Value) -> None:
            here = at(b, self.start, self.place(i, k), self.t)
            size = 4 if isinstance(self.t, ir.FloatType) else 8
            x, y = (b.load(p, typ=wide, align=size) for p in (here, at(b, self.row, k, self.t)))
            b.store(intrinsic(b, "fma", minuses, y, x), here, align=size)

        def single(k: ir.Value) -> None:
            here = self.place(i, k)
            x, y = load(b, self.start, here, self.t), load(b, self.row, k, self.t)
            store(b, intrinsic(b, "fma", minus, y, x), self.start, here)

        self.each(b.and_(first, constant(-LANES)), least(b, last, self.whole), LANES, several)
        self.each(larger(b, first, self.whole), last, 1, single)

    def largest(self, k: ir.Value) -> ir.Value:
        """The column of the largest element of row k, from the diagonal on."""
        b, start = self.b, self.b.mul(k, self.n)

        def one(j: ir.Value, held: list[Any]) -> list[Any]:
            size = intrinsic(b, "fabs", load(b, self.start, b.add(start, j), self.t))
            better = b.fcmp_ordered(">", size, held[0])
            return [b.select(better, size, held[0]), b.select(better, j, held[1])]

        first = intrinsic(b, "fabs", load(b, self.start, b.add(start, k), self.t))
        return counted(b, b.add(k, constant(1)), self.n, 1, one, [first, k])[1]


def cholesky(b: ir.IRBuilder, t: ir.Type, out: ir.Value, n: ir.Value, info: ir.Value) -> None:
    """The lower factor in place of a matrix; ``info`` is the first leading minor that is not positive, or 0."""
    rows, one = Rows(b, t, out, n), constant(1)
    rows.each(constant(0), n, 1, lambda k: store(b, ir.Constant(t, 0), rows.row, k))

    def column(j: ir.Value) -> None:
        corner, after = rows.place(j, j), b.add(j, one)
        pivot = load(b, out, corner, t)
        with b.if_else(b.fcmp_ordered(">", pivot, ir.Constant(t, 0))) as (positive, otherwise):
            with positive:
                root = intrinsic(b, "sqrt", pivot)
                scale = b.fdiv(ir.Constant(t, 1), root)
                store(b, root, out, corner)
                store(b, ir.Constant(t, 0), rows.row, j)

                def scaled(i: ir.Value) -> None:
                    x = b.fmul(load(b, out, rows.place(i, j), t), scale)
                    store(b, x, out, rows.place(i, j))
                    store(b, x, rows.row, i)

                rows.each(after, n, 1, scaled)
                rows.each(after, n, 1, lambda i: rows.subtract(i, load(b, rows.row, i, t), after, b.add(i, one)))
            with otherwise:
                b.store(b.trunc(after, I32), info)

    def step(j: ir.Value) -> None:
        with b.if_then(b.icmp_signed("==", b.load(info, typ=I32), I32(0))):
            column(j)

    rows.each(constant(0), n, 1, step)


def factors(
    b: ir.IRBuilder, t: ir.Type, out: ir.Value, m: ir.Value, n: ir.Value, info: ir.Value, pivots: ir.Value
) -> None:
    """Gauss's elimination in place of m rows of n: lower C and unit upper V, whose product has columns exchanged.

    Of the k-th step ``pivots`` has the column, from 1, that was exchanged with column k; ``info`` the first that has
    nothing but zeros in its row, or 0.
    """
    rows, one, zero = Rows(b, t, out, n), constant(1), ir.Constant(t, 0)
    rows.each(constant(0), n, 1, lambda k: store(b, zero, rows.row, k))

    def step(k: ir.Value) -> None:
        start, after = b.mul(k, n), b.add(k, one)

        best = rows.largest(k)
        store(b, b.trunc(b.add(best, one), I32), pivots, k)

        def exchange(i: ir.Value) -> None:
            here, there = rows.place(i, k), rows.place(i, best)
            x, y = load(b, out, here, t), load(b, out, there, t)
            store(b, y, out, here)
            store(b, x, out, there)

        with b.if_then(b.icmp_signed("!=", best, k)):
            rows.each(constant(0), m, 1, exchange)
        pivot = load(b, out, b.add(start, k), t)
        with b.if_else(b.fcmp_unordered("!=", pivot, zero)) as (regular, singular):
            with regular:
                eliminate(k, after, start, pivot)
            with singular, b.if_then(b.icmp_signed("==", b.load(info, typ=I32), I32(0))):
                b.store(b.trunc(after, I32), info)

    def eliminate(k: ir.Value, after: ir.Value, start: ir.Value, pivot: ir.Value) -> None:
        def scaled(j: ir.Value) -> None:
            x = b.fdiv(load(b, out, b.add(start, j), t), pivot)
            store(b, x, out, b.add(start, j))
            store(b, x, rows.row, j)

        store(b, zero, rows.row, k)
        rows.each(after, n, 1, scaled)
        rows.each(after, m, 1, lambda i: rows.subtract(i, load(b, out, rows.place(i, k), t), after, n))

    rows.each(constant(0), least(b, m, n), 1, step)


def directed(b: ir.IRBuilder, t: ir.Type, row: ir.Value, n: ir.Value) -> None:
    """Turn a vector round if its first large element (``ops.linear.eigh``) is negative."""
    zero = ir.Constant(t, 0)

    def most(j: ir.Value, held: list[Any]) -> list[Any]:
        x = intrinsic(b, "fabs", load(b, row, j, t))
        return [b.select(b.fcmp_ordered(">", x, held[0]), x, held[0])]

    (largest,) = counted(b, constant(0), n, 1, most, [zero])
    limit = b.fmul(largest, ir.Constant(t, LARGE))

    def first(k: ir.Value, held: list[Any]) -> list[Any]:
        x = load(b, row, b.sub(b.sub(n, k), constant(1)), t)
        return [b.select(b.fcmp_ordered(">=", intrinsic(b, "fabs", x), limit), x, held[0])]

    (found,) = counted(b, constant(0), n, 1, first, [zero])
    sign = b.select(b.fcmp_ordered("<", found, zero), ir.Constant(t, -1), ir.Constant(t, 1))

    def one(j: ir.Value, _: list[Any]) -> list[Any]:
        store(b, b.fmul(load(b, row, j, t), sign), row, j)
        return []

    counted(b, constant(0), n, 1, one)
