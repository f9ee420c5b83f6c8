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
from tenure.compile.routines import sides, small
from tenure.compile.routines.code import (
    I8,
    I32,
    I64,
    POINTER,
    TASK,
    VOID,
    at,
    larger,
    least,
    load,
    share,
    started,
    store,
)

REALS = {"s": ir.FloatType(), "d": ir.DoubleType(), "c": ir.FloatType(), "z": ir.DoubleType()}
HEAD = 3
ROW_MAJOR, LEFT, UPPER, LOWER, PLAIN, CONJUGATED, UNIT, NON_UNIT = 101, 141, 121, 122, 111, 113, 132, 131


class Call:
    """The code of one matrix: its operands and result, room, sizes, and calls of the library."""

    def __init__(
        self, b: ir.IRBuilder, kind: str, buffers: Sequence[ir.Value], room: ir.Value, numbers: ir.Value
    ) -> None:
        self.b, self.kind, self.buffers, self.room, self.numbers = b, kind, buffers, room, numbers
        self.real, self.words = REALS[kind], 2 if kind in "cz" else 1
        self.info = stack(b, I32)
        self.item: ir.Value = constant(0)
        b.store(I32(0), self.info)

    def size(self, k: int) -> ir.Value:
        """Number k behind the head."""
        return load(self.b, self.numbers, HEAD + k)

    def piece(self, k: int) -> ir.Value:
        """The part of the room whose start is number k."""
        return at(self.b, self.room, self.size(k), I8)

    def element(self, start: ir.Value, i: ir.Value | int) -> ir.Value:
        """The address of an element."""
        i = constant(i) if isinstance(i, int) else i
        return at(self.b, start, self.b.mul(i, constant(self.words)), self.real)

    def copy(self, target: ir.Value, source: ir.Value, count: ir.Value) -> None:
        """Copy elements."""
        nbytes = self.b.mul(count, constant(self.words * (4 if self.kind in "sc" else 8)))
        name = "llvm.memcpy.p0.p0.i64"
        module = self.b.module
        made = module.globals.get(name) or ir.Function(
            module, ir.FunctionType(VOID, [POINTER, POINTER, I64, ir.IntType(1)]), name
        )
        self.b.call(made, [target, source, nbytes, ir.IntType(1)(0)])

    def clear(self, start: ir.Value, count: ir.Value) -> None:
        """Zero elements."""

        def one(i: ir.Value, _: list[Any]) -> list[Any]:
            store(self.b, ir.Constant(self.real, 0), start, i)
            return []

        counted(self.b, constant(0), self.b.mul(count, constant(self.words)), 1, one)

    def rows(self, first: ir.Value | int, last: ir.Value, body: Callable[[ir.Value], None]) -> None:
        """Do something for each number of a range."""

        def one(i: ir.Value, _: list[Any]) -> list[Any]:
            body(i)
            return []

        counted(self.b, constant(first) if isinstance(first, int) else first, last, 1, one)

    def given(self, x: Any) -> ir.Value:
        """An argument as Fortran takes it: the address of a number or a letter."""
        if isinstance(x, str):
            place = stack(self.b, I8)
            self.b.store(I8(ord(x)), place)
            return place
        if x.type == POINTER:
            return x
        place = stack(self.b, I32)
        self.b.store(self.b.trunc(x, I32), place)
        return place

    def lapack(self, name: str, *arguments: Any) -> None:
        """Call a function of LAPACK; what it reports is the matrix's information."""
        b, letters = self.b, sum(isinstance(x, str) for x in arguments)
        passed = [*[self.given(x) for x in arguments], self.info, *[constant(1)] * letters]
        kind = ir.FunctionType(VOID, [x.type for x in passed])
        name = f"scipy_{self.kind}{name}_"
        function = b.module.globals.get(name) or ir.Function(b.module, kind, name)
        b.call(function, passed)

    def by_size(self, n: ir.Value, few: Callable[[], None], many: Callable[[], None]) -> None:
        """Code for small real matrices, and code for all others."""
        if self.words == 2:
            many()
            return
        with self.b.if_else(self.b.icmp_signed("<=", n, constant(small.MOST))) as (then, otherwise):
            with then:
                few()
            with otherwise:
                many()

    def report(self, start: ir.Value) -> None:
        """Put behind the parts of a result what was reported, and of which matrix: 0 and 0 if all went well."""
        b = self.b
        found = b.sext(b.load(self.info, typ=I32), I64)
        item = b.select(b.icmp_signed("!=", found, constant(0)), self.item, constant(0))
        self.clear(start, constant(2))
        for k, x in enumerate((found, item)):
            b.store(b.sitofp(x, self.real), self.element(start, k))


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


def number(c: Call, x: ir.Value, place: ir.Value) -> None:
    """Store a whole number as an element."""
    c.clear(place, constant(1))
    c.b.store(c.b.sitofp(x, c.real), place)


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
    one: ir.Value = ir.Constant(c.real, 1)
    if c.words == 2:
        place = stack(b, ir.ArrayType(c.real, 2))
        store(b, one, place, 0)
        store(b, ir.Constant(c.real, 0), place, 1)
        one = place
    rows, columns = b.trunc(n, I32), b.trunc(k, I32)
    lead, width = (b.trunc(larger(b, v, constant(1)), I32) for v in (n, k))
    with b.if_else(b.icmp_signed("==", k, constant(1))) as (single, several):
        with single:
            blas(c, "trsv", [I32(ROW_MAJOR), upper, adjoint, unit, rows, x, lead, out, I32(1)])
        with several:
            blas(c, "trsm", [I32(ROW_MAJOR), I32(LEFT), upper, adjoint, unit, rows, columns, one, x, lead, out, width])


def blas(c: Call, name: str, passed: Sequence[ir.Value]) -> None:
    """A call of BLAS in C."""
    b, name = c.b, f"scipy_cblas_{c.kind}{name}"
    kind = ir.FunctionType(VOID, [v.type for v in passed])
    b.call(b.module.globals.get(name) or ir.Function(b.module, kind, name), passed)


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


def real_number(c: Call, source: ir.Value, i: ir.Value, target: ir.Value) -> None:
    """Store a real number as an element."""
    place = c.element(target, i)
    c.clear(place, constant(1))
    c.b.store(load(c.b, source, i, c.real), place)


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
