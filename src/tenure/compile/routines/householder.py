"""Orthogonal and triangular factors of small real matrices, several side by side, by reflections.

A reflection takes what is below the diagonal of a column into the diagonal, whose sign changes, as in LAPACK. The
vectors of reflections take the place of what they made 0; Q is the product of all, from the last.

Source: G. Golub, C. Van Loan, Matrix Computations, 5.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.code import at, larger, least, load, store
from tenure.compile.routines.lanewise import MOST, Sides
from tenure.compile.routines.small import intrinsic


class Reflections(Sides):
    """The code of a few matrices, and of their Q with ``wide`` columns."""

    def __init__(self, b: ir.IRBuilder, t: ir.Type, rows: ir.Value, columns: ir.Value, wide: ir.Value) -> None:
        super().__init__(b, t, rows, columns)
        self.q, self.taus, self.columns = self.matrix(), stack(b, ir.ArrayType(self.wide, MOST)), wide
        self.count = least(b, rows, columns)

    def element(self, start: ir.Value, width: ir.Value, i: ir.Value, j: ir.Value) -> ir.Value:
        """The address of an element of all lanes in a matrix of so many columns."""
        return at(self.b, start, self.b.add(self.b.mul(i, width), j), self.wide)

    def load(self, place: ir.Value) -> ir.Value:
        """The element at an address."""
        return self.b.load(place, typ=self.wide, align=self.bits // 8)

    def keep(self, x: ir.Value, place: ir.Value) -> None:
        """Store an element of all lanes."""
        self.b.store(x, place, align=self.bits // 8)

    def total(self, k: ir.Value, of: Callable[[ir.Value], ir.Value], first: ir.Value) -> ir.Value:
        """A sum over the rows below k."""

        def more(i: ir.Value, held: list[Any]) -> list[Any]:
            return [self.b.fadd(held[0], of(i))]

        return counted(self.b, self.b.add(k, constant(1)), self.m, 1, more, [first])[0]

    def reflect(self, k: ir.Value, start: ir.Value, width: ir.Value, j: ir.Value) -> None:
        """Reflect column j of a matrix by vector k."""
        b, top = self.b, self.element(start, width, k, j)

        def term(i: ir.Value) -> ir.Value:
            return b.fmul(self.get(self.a, i, k), self.load(self.element(start, width, i, j)))

        part = b.fmul(self.total(k, term, self.load(top)), self.load(at(b, self.taus, k, self.wide)))
        self.keep(b.fsub(self.load(top), part), top)

        def row(i: ir.Value) -> None:
            place = self.element(start, width, i, j)
            self.keep(b.fsub(self.load(place), b.fmul(self.get(self.a, i, k), part)), place)

        self.each(b.add(k, constant(1)), self.m, row)

    def step(self, k: ir.Value) -> None:
        """Make what is below the diagonal of column k its vector, and reflect the columns behind it."""
        b = self.b

        def square(i: ir.Value) -> ir.Value:
            x = self.get(self.a, i, k)
            return b.fmul(x, x)

        below, alpha = self.total(k, square, self.zero), self.get(self.a, k, k)
        none = b.fcmp_ordered("==", below, self.zero)
        size = intrinsic(b, "sqrt", b.fadd(b.fmul(alpha, alpha), below))
        beta = b.select(b.fcmp_ordered("<", alpha, self.zero), size, b.fneg(size))
        tau = b.select(none, self.zero, b.fdiv(b.fsub(beta, alpha), beta))
        scale = b.select(none, self.zero, b.fdiv(self.one, b.fsub(alpha, beta)))
        after = b.add(k, constant(1))
        self.each(after, self.m, lambda i: self.put(b.fmul(self.get(self.a, i, k), scale), self.a, i, k))
        self.put(b.select(none, alpha, beta), self.a, k, k)
        self.keep(tau, at(b, self.taus, k, self.wide))
        self.each(after, self.n, lambda j: self.reflect(k, self.a, self.n, j))

    def solve(self) -> None:
        """R above the diagonal, and Q."""
        b = self.b
        last = b.sub(self.count, constant(1))
        self.scale()
        self.each(constant(0), self.count, self.step)
        self.each(constant(0), b.mul(self.m, self.columns), lambda e: self.keep(self.zero, at(b, self.q, e, self.wide)))
        diagonal = least(b, self.m, self.columns)
        self.each(constant(0), diagonal, lambda i: self.keep(self.one, self.element(self.q, self.columns, i, i)))

        def back(i: ir.Value) -> None:
            k = b.sub(last, i)
            self.each(constant(0), self.columns, lambda j: self.reflect(k, self.q, self.columns, j))

        self.each(constant(0), self.count, back)

    def write(self, out: ir.Value, k: ir.Value) -> None:
        """Put Q and R of lane k behind one another."""
        b, size = self.b, self.b.mul(self.m, self.columns)
        factor = stack(b, self.wide)
        b.store(self.factor, factor)
        own = load(b, factor, k, self.t)

        def element(e: ir.Value) -> None:
            store(b, load(b, at(b, self.q, e, self.wide), k, self.t), out, e)

        def row(i: ir.Value) -> None:
            def right(j: ir.Value) -> None:
                x = b.fdiv(load(b, self.lane(self.a, i, j, k), 0, self.t), own)
                x = b.select(b.icmp_signed("<", j, i), ir.Constant(self.t, 0.0), x)
                store(b, x, out, b.add(size, b.add(b.mul(i, self.n), j)))

            self.each(constant(0), self.n, right)

        self.each(constant(0), size, element)
        self.each(constant(0), self.columns, row)


def code(b: ir.IRBuilder, t: ir.Type, size: Callable[[int], ir.Value]) -> tuple[ir.Value, Callable[..., None]]:
    """Whether matrices are small, and the code of those of a range; ``matrices(i)`` gives the addresses of matrix i and
    its result."""
    made = Reflections(b, t, size(0), size(1), size(2))

    def emit(ends: tuple[ir.Value, ir.Value], matrices: Any) -> None:
        def solve(i: ir.Value, many: ir.Value) -> None:
            made.solve()
            made.each(constant(0), many, lambda k: made.write(matrices(b.add(i, k))[1], k))

        made.groups(ends, matrices, solve)

    return b.icmp_signed("<=", larger(b, size(0), size(1)), constant(MOST)), emit
