"""Eigenvalues and eigenvectors of small real symmetric matrices, several side by side: one matrix a lane.

Cyclic rotations, each of which makes two elements 0, until what is beside the diagonal is within rounding of all. Lanes
do not meet, so a matrix has the same bits beside any others; what converged early is only turned by nothing more.

Source: G. Golub, C. Van Loan, Matrix Computations, 8.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.code import I32, I64, at, load, repeat, some, store
from tenure.compile.routines.lanewise import LANES, MOST, Sides
from tenure.compile.routines.small import directed, intrinsic

SWEEPS = 24
"""The most rounds of rotations."""
EPSILON = {32: 2.0**-24, 64: 2.0**-53}


class Jacobi(Sides):
    """The code of a few matrices, and of their vectors ``v``."""

    def __init__(self, b: ir.IRBuilder, t: ir.Type, n: ir.Value) -> None:
        super().__init__(b, t, n, n)
        self.v = self.matrix()

    def read(self, source: ir.Value, k: ir.Value) -> None:
        """Put the lower triangle of a matrix into lane k, and into its mirror."""
        b = self.b

        def row(i: ir.Value) -> None:
            def element(j: ir.Value) -> None:
                x = load(b, source, b.add(b.mul(i, self.n), j), self.t)
                store(b, x, self.lane(self.a, i, j, k), 0)
                store(b, x, self.lane(self.a, j, i, k), 0)

            self.each(constant(0), b.add(i, constant(1)), element)

        self.each(constant(0), self.n, row)

    def unscale(self) -> None:
        """The eigenvalues of the matrices as they were."""

        def value(i: ir.Value) -> None:
            self.put(self.b.fdiv(self.get(self.a, i, i), self.factor), self.a, i, i)

        self.each(constant(0), self.n, value)

    def pairs(self, body: Callable[[ir.Value, ir.Value], None]) -> None:
        """``body`` of p < q."""
        b, one = self.b, constant(1)
        self.each(constant(0), self.n, lambda p: self.each(b.add(p, one), self.n, lambda q: body(p, q)))

    def solve(self, vectors: ir.Value) -> ir.Value:
        """Rotate until it is done; the lanes that never are."""
        b = self.b
        self.vectors = vectors
        self.scale()
        total, beside = stack(b, self.wide), stack(b, self.wide)

        def sum_of(into: ir.Value, i: ir.Value, j: ir.Value) -> None:
            x = self.get(self.a, i, j)
            b.store(b.fadd(b.load(into, typ=self.wide), b.fmul(x, x)), into)

        def begin(i: ir.Value) -> None:
            self.each(constant(0), self.n, lambda j: self.put(self.zero, self.v, i, j))
            self.put(self.one, self.v, i, i)
            self.each(constant(0), self.n, lambda j: sum_of(total, i, j))

        b.store(self.zero, total)
        self.each(constant(0), self.n, begin)
        small = EPSILON[self.bits] ** 2
        limit = b.fmul(b.load(total, typ=self.wide), ir.Constant(self.wide, [small] * LANES))

        def left() -> ir.Value:
            b.store(self.zero, beside)
            self.pairs(lambda p, q: sum_of(beside, p, q))
            return b.not_(b.fcmp_ordered("<=", b.load(beside, typ=self.wide), limit))

        def more(held: list[Any]) -> ir.Value:
            return b.and_(held[1], b.icmp_signed("<", held[0], constant(SWEEPS)))

        def sweep(held: list[Any]) -> list[Any]:
            self.pairs(self.rotate)
            return [b.add(held[0], constant(1)), some(b, left())]

        repeat(b, more, sweep, [constant(0), some(b, left())])
        wrong = left()
        self.unscale()
        return wrong

    def rotate(self, p: ir.Value, q: ir.Value) -> None:
        """Make element (p, q) 0."""
        b, n = self.b, self.n
        x, y, z = (self.get(self.a, i, j) for i, j in ((p, p), (q, q), (p, q)))
        none = b.fcmp_ordered("==", z, self.zero)
        theta = b.fdiv(b.fsub(y, x), b.fadd(z, z))
        size = intrinsic(b, "fabs", theta)
        root = intrinsic(b, "sqrt", b.fadd(b.fmul(theta, theta), self.one))
        t = b.fdiv(self.one, b.fadd(size, root))
        t = b.select(b.fcmp_ordered("<", theta, self.zero), b.fneg(t), t)
        t = b.select(none, self.zero, t)
        c = b.fdiv(self.one, intrinsic(b, "sqrt", b.fadd(b.fmul(t, t), self.one)))
        s = b.fmul(t, c)

        def turned(start: ir.Value, k: ir.Value) -> list[ir.Value]:
            u, v = self.get(start, p, k), self.get(start, q, k)
            found = [b.fsub(b.fmul(c, u), b.fmul(s, v)), b.fadd(b.fmul(s, u), b.fmul(c, v))]
            for i, w in zip((p, q), found, strict=True):
                self.put(w, start, i, k)
            return found

        def column(k: ir.Value) -> None:
            for i, w in zip((p, q), turned(self.a, k), strict=True):
                self.put(w, self.a, k, i)

        self.each(constant(0), n, column)
        change = b.fmul(t, z)
        for w, i, j in ((b.fsub(x, change), p, p), (b.fadd(y, change), q, q), (self.zero, p, q), (self.zero, q, p)):
            self.put(w, self.a, i, j)

        def row(k: ir.Value) -> None:
            turned(self.v, k)

        self.each(constant(0), b.select(self.vectors, n, constant(0)), row)

    def write(self, out: ir.Value, k: ir.Value) -> None:
        """Put the eigenvalues of lane k, ascending, and their vectors behind one another."""
        b, n = self.b, self.n

        def value(i: ir.Value) -> None:
            x = load(b, self.lane(self.a, i, i, k), 0, self.t)

            def count(j: ir.Value, held: list[Any]) -> list[Any]:
                y = load(b, self.lane(self.a, j, j, k), 0, self.t)
                first = b.and_(b.fcmp_ordered("==", x, y), b.icmp_signed("<", j, i))
                return [b.add(held[0], b.zext(b.or_(b.fcmp_ordered("<", y, x), first), I64))]

            (rank,) = counted(b, constant(0), n, 1, count, [constant(0)])
            store(b, x, out, rank)
            row = at(b, out, b.add(n, b.mul(rank, n)), self.t)

            def element(j: ir.Value) -> None:
                y = load(b, self.lane(self.v, i, j, k), 0, self.t)
                store(b, b.select(self.vectors, y, ir.Constant(self.t, 0)), row, j)

            self.each(constant(0), n, element)
            directed(b, self.t, row, n)

        self.each(constant(0), n, value)


def code(b: ir.IRBuilder, t: ir.Type, size: Callable[[int], ir.Value]) -> tuple[ir.Value, Callable[..., None]]:
    """Whether matrices are small, and the code of those of a range; ``matrices(i)`` gives the addresses of matrix i and
    its result. Behind a result is what is to be reported: 0, or 1 and the number of the matrix."""
    n, vectors = size(0), b.icmp_signed("!=", size(8), constant(0))
    made = Jacobi(b, t, n)
    failed = stack(b, ir.ArrayType(I32, LANES))

    def emit(ends: tuple[ir.Value, ir.Value], matrices: Any) -> None:
        def solve(i: ir.Value, many: ir.Value) -> None:
            b.store(b.sext(made.solve(vectors), ir.VectorType(I32, LANES)), failed, align=4)

            def one(k: ir.Value) -> None:
                out = matrices(b.add(i, k))[1]
                made.write(out, k)
                wrong = b.icmp_signed("!=", load(b, failed, k, I32), I32(0))
                report = at(b, out, b.mul(n, b.add(n, constant(1))), t)
                for place, x in enumerate((constant(1), b.add(i, k))):
                    store(b, b.sitofp(b.select(wrong, x, constant(0)), t), report, place)

            made.each(constant(0), many, one)

        made.groups(ends, matrices, solve)

    return b.icmp_signed("<=", n, constant(MOST)), emit
