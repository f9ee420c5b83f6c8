"""Factors of symmetric and Hermitian matrices that may be indefinite, and systems solved with them, by LAPACK."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from tenure.compile.nests import constant, stack
from tenure.compile.routines.code import I32, I64, larger, load, store
from tenure.compile.routines.matrix import Call, number


def of_kind(c: Call, hermitian: ir.Value, call: Callable[[str], None]) -> None:
    """LAPACK's function for symmetric matrices, or the one for Hermitian ones."""
    if c.words == 1:
        call("sy")
        return
    with c.b.if_else(c.b.icmp_signed("!=", hermitian, constant(0))) as (conjugate, plain):
        with conjugate:
            call("he")
        with plain:
            call("sy")


def factors(c: Call) -> None:
    """The factors of the lower triangle of the transpose, and the pivots."""
    b, (x, out), n, pivots = c.b, c.buffers, c.size(0), c.piece(2)
    size, lead = b.mul(n, n), larger(b, n, constant(1))
    c.copy(out, x, size)
    work, length = c.piece(3), c.size(4)
    of_kind(c, c.size(1), lambda kind: c.lapack(f"{kind}trf", "L", n, out, lead, pivots, work, length))
    c.rows(1, n, lambda i: c.clear(c.element(out, b.mul(i, n)), i))
    start = c.element(out, size)
    c.rows(0, n, lambda i: number(c, b.sext(load(b, pivots, i, I32), I64), c.element(start, i)))
    c.report(c.element(start, n))


def divided(c: Call) -> None:
    """Rows of unknowns, from the factors of the transpose; nothing but a report for pivots that are none, with which
    LAPACK would leave the rows."""
    b, (known, rows, out), n, k = c.b, c.buffers, c.size(0), c.size(1)
    pivots, lead, count = c.piece(3), larger(b, n, constant(1)), b.mul(n, k)
    wrong = read(c, c.element(known, b.mul(n, n)), n, pivots)
    with b.if_else(b.icmp_signed("==", wrong, constant(0))) as (right, none):
        with right:
            c.copy(out, rows, count)
            of_kind(c, c.size(2), lambda kind: c.lapack(f"{kind}trs", "L", n, k, known, lead, pivots, out, lead))
        with none:
            c.clear(out, count)
            b.store(b.trunc(wrong, I32), c.info)
    c.report(c.element(out, count))


def read(c: Call, source: ir.Value, n: ir.Value, pivots: ir.Value) -> ir.Value:
    """Store elements as pivots, and give the first, from 1, that is no row or has no second one beside it; else 0.

    Two neighbours that are negative are one block.
    """
    b, wrong, open_ = c.b, stack(c.b, I64), stack(c.b, I64)
    b.store(constant(0), wrong)
    b.store(constant(0), open_)  # 1 behind the first of a block

    def one(i: ir.Value) -> None:
        x = b.load(c.element(source, i), typ=c.real)
        near = b.fcmp_ordered("<", b.call(absolute(c), [x]), ir.Constant(c.real, 2.0**31))
        p = b.select(near, b.fptosi(b.select(near, x, ir.Constant(c.real, 0)), I64), constant(0))
        store(b, b.trunc(p, I32), pivots, i)
        below = b.icmp_signed("<", p, constant(0))
        row = b.sub(b.select(below, b.neg(p), p), constant(1))
        inside, second = b.load(open_, typ=I64), b.icmp_unsigned("<", row, n)
        alone = b.and_(b.icmp_signed("!=", inside, constant(0)), b.not_(below))
        bad = b.or_(b.not_(second), alone)
        note(c, wrong, bad, i)
        b.store(b.select(below, b.sub(constant(1), inside), constant(0)), open_)

    c.rows(0, n, one)
    note(c, wrong, b.icmp_signed("!=", b.load(open_, typ=I64), constant(0)), b.sub(n, constant(1)))
    return b.load(wrong, typ=I64)


def note(c: Call, wrong: ir.Value, bad: ir.Value, i: ir.Value) -> None:
    """Keep the first place, from 1, that is bad."""
    b = c.b
    found = b.load(wrong, typ=I64)
    first = b.and_(bad, b.icmp_signed("==", found, constant(0)))
    b.store(b.select(first, b.add(i, constant(1)), found), wrong)


def absolute(c: Call) -> ir.Function:
    """The absolute value."""
    name = f"llvm.fabs.{c.real.intrinsic_name}"
    return c.b.module.globals.get(name) or ir.Function(c.b.module, ir.FunctionType(c.real, [c.real]), name)
