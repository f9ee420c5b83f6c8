"""Small real matrices side by side: one a lane of every vector, so that what is done to one is done to all.

Lanes do not meet: a matrix has the same bits beside any others. LAPACK's functions take longer to begin than these to
end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.code import at, least, load, store
from tenure.compile.routines.small import intrinsic

MOST, LANES = 16, 8
"""The largest size, and matrices side by side, whatever a processor has."""
EXPONENTS = {32: 0x7F800000, 64: 0x7FF0000000000000}


class Sides:
    """The code of a few matrices ``a`` of rows and columns; all lanes of an element lie together."""

    def __init__(self, b: ir.IRBuilder, t: ir.Type, rows: ir.Value, columns: ir.Value) -> None:
        self.b, self.t, self.m, self.n = b, t, rows, columns
        self.wide = ir.VectorType(t, LANES)
        self.bits = 32 if isinstance(t, ir.FloatType) else 64
        self.a = self.matrix()
        self.one, self.zero = (ir.Constant(self.wide, [x] * LANES) for x in (1.0, 0.0))

    def matrix(self) -> ir.Value:
        """Room for a matrix of all lanes."""
        return stack(self.b, ir.ArrayType(self.wide, MOST * MOST))

    def each(self, first: ir.Value, last: ir.Value, body: Callable[[ir.Value], None]) -> None:
        """``body`` of the numbers of a range."""

        def one(i: ir.Value, _: list[Any]) -> list[Any]:
            body(i)
            return []

        counted(self.b, first, last, 1, one)

    def place(self, start: ir.Value, i: ir.Value, j: ir.Value) -> ir.Value:
        """The address of an element of all lanes."""
        return at(self.b, start, self.b.add(self.b.mul(i, self.n), j), self.wide)

    def get(self, start: ir.Value, i: ir.Value, j: ir.Value) -> ir.Value:
        """An element of all lanes."""
        return self.b.load(self.place(start, i, j), typ=self.wide, align=self.bits // 8)

    def put(self, x: ir.Value, start: ir.Value, i: ir.Value, j: ir.Value) -> None:
        """Store an element of all lanes."""
        self.b.store(x, self.place(start, i, j), align=self.bits // 8)

    def lane(self, start: ir.Value, i: ir.Value, j: ir.Value, k: ir.Value) -> ir.Value:
        """The address of an element of one lane."""
        return at(self.b, self.place(start, i, j), k, self.t)

    def scale(self) -> None:
        """Multiply each matrix by a power of 2, such that its largest element is about 1: squares are in range then."""
        b, whole = self.b, self.b.mul(self.m, self.n)

        def larger(e: ir.Value, held: list[Any]) -> list[Any]:
            x = intrinsic(b, "fabs", b.load(at(b, self.a, e, self.wide), typ=self.wide, align=self.bits // 8))
            return [b.select(b.fcmp_ordered(">", x, held[0]), x, held[0])]

        (most,) = counted(b, constant(0), whole, 1, larger, [self.zero])
        words = ir.VectorType(ir.IntType(self.bits), LANES)
        exponents = ir.Constant(words, [EXPONENTS[self.bits]] * LANES)
        power = b.bitcast(b.and_(b.bitcast(most, words), exponents), self.wide)
        huge = ir.Constant(self.wide, [2.0 ** (100 if self.bits == 32 else 1000)] * LANES)
        self.factor = b.select(b.fcmp_ordered("==", power, self.zero), huge, b.fdiv(self.one, power))

        def times(e: ir.Value) -> None:
            place = at(b, self.a, e, self.wide)
            x = b.load(place, typ=self.wide, align=self.bits // 8)
            b.store(b.fmul(x, self.factor), place, align=self.bits // 8)

        self.each(constant(0), whole, times)

    def groups(self, ends: tuple[ir.Value, ir.Value], matrices: Any, solve: Any) -> None:
        """Take LANES matrices of a range at a time: read them, ``solve(first, many)``."""
        b, n = self.b, self.n

        def few(i: ir.Value, _: list[Any]) -> list[Any]:
            many = least(b, constant(LANES), b.sub(ends[1], i))
            self.each(constant(0), b.mul(self.m, n), lambda e: b.store(self.zero, at(b, self.a, e, self.wide), align=4))
            self.each(constant(0), many, lambda k: self.read(matrices(b.add(i, k))[0], k))
            solve(i, many)
            return []

        counted(b, ends[0], ends[1], LANES, few)

    def read(self, source: ir.Value, k: ir.Value) -> None:
        """Put a matrix into lane k."""

        def element(e: ir.Value) -> None:
            store(self.b, load(self.b, source, e, self.t), at(self.b, at(self.b, self.a, e, self.wide), k, self.t), 0)

        self.each(constant(0), self.b.mul(self.m, self.n), element)
