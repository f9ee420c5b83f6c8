"""Routines that call LAPACK, matrix by matrix: of a packed result the parts, behind them what went wrong.

    buffers  operands, result, room
    numbers  matrices, groups of them, bytes of room for a group, sizes, where each part of the room begins

LAPACK's matrices lie column by column: it sees the transpose of ours, and what is computed of that is what the
primitives in ``ops.linear`` mean. Groups of matrices are shared out over the threads; LAPACK itself uses one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines import indefinite, sides, small
from tenure.compile.routines.code import I8, I32, I64, POINTER, TASK, at, larger, least, load, share, started, store
from tenure.compile.routines.matrix import HEAD, REALS, Call, blas, number, real_number, scalar

ROW_MAJOR, LEFT, UPPER, LOWER, PLAIN, CONJUGATED, UNIT, NON_UNIT = 101, 141, 121, 122, 111, 113, 132, 131

def cholesky(c: Call) -> None:
    """The lower factor: column by column it is an upper one."""
    b, (x, out), n = c.b, c.buffers, c.size(0)
    c.copy(out, x, b.mul(n, n))

    def library() -> None:
        c.lapack("potrf", "U", n, out, larger(b, n, constant(1)))

    c.by_size(n, lambda: small.cholesky(b, c.real, out, n, c.info), library)

    def above(i: ir.Value) -> None:
        start = b.add(b.mul(i, n), b.add(i, constant(1)))
        c.clear(c.element(out, start), b.sub(b.sub(n, i), constant(1)))

    c.rows(0, n, above)
    c.report(c.element(out, b.mul(n, n)))


def factors(c: Call) -> None:
    """The factors of the transpose, its pivots and its order of rows."""
    b, (x, out), m, n = c.b, c.buffers, c.size(0), c.size(1)
    count, pivots = least(b, m, n), c.piece(2)
    c.copy(out, x, b.mul(m, n))
    c.by_size(
        larger(b, m, n),
        lambda: small.factors(b, c.real, out, m, n, c.info, pivots),
        lambda: c.lapack("getrf", n, m, out, larger(b, n, constant(1)), pivots),
    )
    after, order = b.mul(m, n), c.piece(3)
    c.rows(0, n, lambda i: store(b, i, order, i))

    def swap(i: ir.Value) -> None:
        j = b.sub(b.sext(load(b, pivots, i, I32), I64), constant(1))
        here, there = load(b, order, i), load(b, order, j)
        store(b, there, order, i)
        store(b, here, order, j)
        number(c, j, c.element(out, b.add(after, i)))

    c.rows(0, count, swap)
    after = b.add(after, count)
    c.rows(0, n, lambda i: number(c, load(b, order, i), c.element(out, b.add(after, i))))
    c.report(c.element(out, b.add(after, n)))


def solved(c: Call) -> None:
    """Rows of unknowns, from the factors of the transpose."""
    b, (_, known, rows, out), n, k = c.b, c.buffers, c.size(0), c.size(1)
    lead, pivots = larger(b, n, constant(1)), c.piece(3)
    start, real = b.mul(n, n), c.real

    def pivot(i: ir.Value) -> None:
        x = b.load(c.element(known, b.add(start, i)), typ=real)
        store(b, b.add(b.fptosi(x, I32), I32(1)), pivots, i)

    c.rows(0, n, pivot)
    c.copy(out, rows, b.mul(n, k))
    turned = b.icmp_signed("!=", c.size(2), constant(0))
    letter = stack(b, I8)
    b.store(b.select(turned, I8(ord("N")), I8(ord("T"))), letter)
    c.lapack("getrs", letter, n, k, known, lead, pivots, out, lead)


def triangular(c: Call) -> None:
    """The solution of a triangular system, by BLAS, which takes rows too."""
    b, (x, y, out), n, k = c.b, c.buffers, c.size(0), c.size(1)
    c.copy(out, y, b.mul(n, k))
    flags = [b.icmp_signed("!=", c.size(2 + i), constant(0)) for i in range(3)]
    pairs = ((UPPER, LOWER), (CONJUGATED, PLAIN), (UNIT, NON_UNIT))
    upper, adjoint, unit = (b.select(f, I32(p), I32(q)) for f, (p, q) in zip(flags, pairs, strict=True))
    one = scalar(c, ir.Constant(c.real, 1))
    rows, columns = b.trunc(n, I32), b.trunc(k, I32)
    lead, width = (b.trunc(larger(b, v, constant(1)), I32) for v in (n, k))
    with b.if_else(b.icmp_signed("==", k, constant(1))) as (single, several):
        with single:
            blas(c, "trsv", [I32(ROW_MAJOR), upper, adjoint, unit, rows, x, lead, out, I32(1)])
        with several:
            blas(c, "trsm", [I32(ROW_MAJOR), I32(LEFT), upper, adjoint, unit, rows, columns, one, x, lead, out, width])


def orthogonal(c: Call) -> None:
    """Q and R, by L and Q of the transpose."""
    b, (x, out), m, n, wide = c.b, c.buffers, c.size(0), c.size(1), c.size(2)
    held, tau, work, length = c.piece(3), c.piece(4), c.piece(5), c.size(6)
    lead, count = larger(b, n, constant(1)), least(b, m, n)
    c.copy(held, x, b.mul(m, n))
    c.lapack("gelqf", n, m, held, lead, tau, work, length)
    start = c.element(out, b.mul(m, wide))

    def row(i: ir.Value) -> None:
        here = c.element(start, b.mul(i, n))
        skipped = least(b, i, n)
        c.clear(here, skipped)
        source = c.element(held, b.add(b.mul(i, n), skipped))
        c.copy(c.element(here, skipped), source, b.sub(n, skipped))

    c.rows(0, wide, row)
    kept = least(b, wide, n)
    c.rows(0, m, lambda i: c.copy(c.element(out, b.mul(i, wide)), c.element(held, b.mul(i, n)), kept))
    name = "orglq" if c.words == 1 else "unglq"
    c.lapack(name, wide, m, count, out, larger(b, wide, constant(1)), tau, work, length)


def hermitian(c: Call) -> None:
    """Eigenvalues, and the conjugate eigenvectors as rows."""
    b, (x, out), n = c.b, c.buffers, c.size(0)
    work, length, more, many, whole, numbers = c.piece(1), c.size(2), c.piece(3), c.size(4), c.piece(5), c.size(6)
    vectors, lead = c.element(out, n), larger(b, n, constant(1))
    c.copy(vectors, x, b.mul(n, n))
    letter, wanted = stack(b, I8), b.icmp_signed("!=", c.size(8), constant(0))
    b.store(b.select(wanted, I8(ord("V")), I8(ord("N"))), letter)
    if c.words == 1:
        c.lapack("syevd", letter, "U", n, vectors, lead, out, work, length, whole, numbers)
        c.rows(0, n, lambda i: small.directed(b, c.real, c.element(vectors, b.mul(i, n)), n))
    else:
        values = c.piece(7)
        c.lapack("heevd", letter, "U", n, vectors, lead, values, work, length, more, many, whole, numbers)
        c.rows(0, n, lambda i: real_number(c, values, i, out))
    c.clear(vectors, b.select(wanted, constant(0), b.mul(n, n)))
    c.report(c.element(out, b.mul(n, b.add(n, constant(1)))))


def singular(c: Call) -> None:
    """U, the singular values, and the adjoint of V."""
    b, (x, out), m, n, full = c.b, c.buffers, c.size(0), c.size(1), c.size(2)
    held, values, work, length, more, whole = c.piece(3), c.piece(4), c.piece(5), c.size(6), c.piece(7), c.piece(8)
    count = least(b, m, n)
    all_, none = (b.icmp_signed("==", full, constant(k)) for k in (1, 2))
    few = b.select(none, constant(0), count)
    left, right = b.select(all_, m, few), b.select(all_, n, few)
    c.copy(held, x, b.mul(m, n))
    letter, lead = stack(b, I8), larger(b, n, constant(1))
    b.store(b.select(all_, I8(ord("A")), b.select(none, I8(ord("N")), I8(ord("S")))), letter)
    after = c.element(out, b.mul(m, left))
    adjoint = c.element(after, count)
    passed = [letter, n, m, held, lead, values, adjoint, lead, out, larger(b, left, constant(1)), work, length]
    c.lapack("gesdd", *passed, *([more] if c.words == 2 else []), whole)
    c.rows(0, count, lambda i: real_number(c, values, i, after))
    c.report(c.element(adjoint, b.mul(right, n)))


def general(c: Call) -> None:
    """Eigenvalues, and eigenvectors as rows, of the transpose of a complex matrix."""
    b, (x, out), n = c.b, c.buffers, c.size(0)
    held, work, length, more = c.piece(1), c.piece(2), c.size(3), c.piece(4)
    c.copy(held, x, b.mul(n, n))
    lead, vectors = larger(b, n, constant(1)), c.element(out, n)
    c.lapack("geev", "N", "V", n, held, lead, out, work, lead, vectors, lead, work, length, more)
    c.report(c.element(out, b.mul(n, b.add(n, constant(1)))))


def reflections(c: Call) -> None:
    """R and the vectors of reflections, by L and Q of the transpose, and what they are scaled by."""
    b, (x, out), m, n = c.b, c.buffers, c.size(0), c.size(1)
    count = b.mul(m, n)
    c.copy(out, x, count)
    c.lapack("gelqf", n, m, out, larger(b, n, constant(1)), c.element(out, count), c.piece(2), c.size(3))


def squared(c: Call) -> None:
    """A matrix squared so many times; products go to and fro between the result and the room."""
    b, (x, times, out), n, held = c.b, c.buffers, c.size(0), c.piece(1)
    count = b.fptosi(b.load(times, typ=c.real), I64)
    size, one, zero = b.mul(n, n), scalar(c, ir.Constant(c.real, 1)), scalar(c, ir.Constant(c.real, 0))
    side = b.trunc(n, I32)

    def once(_: ir.Value, at_: list[Any]) -> list[Any]:
        here, there = at_
        plain = [I32(ROW_MAJOR), I32(PLAIN), I32(PLAIN), side, side, side, one, here, side, here, side]
        blas(c, "gemm", [*plain, zero, there, side])
        return [there, here]

    odd = b.icmp_unsigned("!=", b.and_(count, constant(1)), constant(0))
    first, other = b.select(odd, held, out), b.select(odd, out, held)  # so that the last product goes to the result
    c.copy(first, x, size)
    counted(b, constant(0), count, 1, once, [first, other])


BODIES: dict[str, tuple[Callable[[Call], None], Callable[..., Sequence[Any]]]] = {
    "cholesky": (cholesky, lambda b, n: (b.mul(n(0), n(0)), b.add(b.mul(n(0), n(0)), constant(2)))),
    "factors": (
        factors,
        lambda b, n: (
            b.mul(n(0), n(1)),
            b.add(b.add(b.mul(n(0), n(1)), least(b, n(0), n(1))), b.add(n(1), constant(2))),
        ),
    ),
    "solved": (
        solved,
        lambda b, n: (
            b.mul(n(0), n(0)),
            b.add(b.mul(n(0), n(0)), b.add(b.add(n(0), n(0)), constant(2))),
            b.mul(n(0), n(1)),
            b.mul(n(0), n(1)),
        ),
    ),
    "triangular": (triangular, lambda b, n: (b.mul(n(0), n(0)), b.mul(n(0), n(1)), b.mul(n(0), n(1)))),
    "orthogonal": (orthogonal, lambda b, n: (b.mul(n(0), n(1)), b.mul(n(2), b.add(n(0), n(1))))),
    "hermitian": (
        hermitian,
        lambda b, n: (b.mul(n(0), n(0)), b.add(b.mul(n(0), b.add(n(0), constant(1))), constant(2))),
    ),
    "indefinite": (
        indefinite.factors,
        lambda b, n: (b.mul(n(0), n(0)), b.add(b.mul(n(0), b.add(n(0), constant(1))), constant(2))),
    ),
    "divided": (
        indefinite.divided,
        lambda b, n: (
            b.mul(n(0), b.add(n(0), constant(1))),
            b.mul(n(0), n(1)),
            b.add(b.mul(n(0), n(1)), constant(2)),
        ),
    ),
    "reflections": (reflections, lambda b, n: (b.mul(n(0), n(1)), b.add(b.mul(n(0), n(1)), least(b, n(0), n(1))))),
    "squared": (squared, lambda b, n: (b.mul(n(0), n(0)), constant(1), b.mul(n(0), n(0)))),
    "singular": (singular, lambda b, n: (b.mul(n(0), n(1)), n(9))),
    "general": (
        general,
        lambda b, n: (b.mul(n(0), n(0)), b.add(b.mul(n(0), b.add(n(0), constant(1))), constant(2))),
    ),
}
"""Of a routine: the code of one matrix, and the elements of one in each operand and in the result."""
NAMES = {f"{name}_{kind}": (name, kind) for name in BODIES for kind in REALS}


def emit(module: ir.Module, name: str, which: tuple[str, str]) -> None:
    """Add a routine of some elements."""
    task = emit_groups(module, f"{name}.groups", *which)
    function = ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    held = stack(b, ir.ArrayType(POINTER, 2))
    for k, x in enumerate(function.args):
        store(b, x, held, k)
    share(b, task, held, load(b, function.args[1], 1))
    b.ret(constant(0))


def emit_groups(module: ir.Module, name: str, what: str, kind: str) -> ir.Function:
    """The task of groups of matrices: one by one, or small ones several at once."""
    body, strides = BODIES[what]
    task, b = started(module, name, TASK)
    context, first, last = task.args
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    count = len(strides(b, lambda k: constant(1)))
    starts = [load(b, buffers, k, POINTER) for k in range(count + 1)]
    matrices, groups, size = (load(b, numbers, k) for k in range(HEAD))
    spots = list(zip(starts, strides(b, lambda k: load(b, numbers, HEAD + k)), strict=False))
    beside = None if kind in "cz" else sides.BY_NAME.get(what)

    def group(g: ir.Value, _: list[Any]) -> list[Any]:
        c = Call(b, kind, (), at(b, starts[-1], b.mul(g, size), I8), numbers)
        ends = b.udiv(b.mul(matrices, g), groups), b.udiv(b.mul(matrices, b.add(g, constant(1))), groups)

        def buffers_of(i: ir.Value) -> list[ir.Value]:
            return [c.element(x, b.mul(i, n)) for x, n in spots]

        def one(i: ir.Value, _: list[Any]) -> list[Any]:
            c.buffers, c.item = buffers_of(i), i
            b.store(I32(0), c.info)
            body(c)
            return []

        if beside is None:
            counted(b, ends[0], ends[1], 1, one)
            return []
        few, code = beside(b, c.real, c.size)
        with b.if_else(few) as (several, many):
            with several:
                code(ends, buffers_of)
            with many:
                counted(b, ends[0], ends[1], 1, one)
        return []

    counted(b, first, last, 1, group)
    b.ret_void()
    return task
