"""The code of one matrix in a routine: operands, room and sizes, and calls of LAPACK and BLAS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines import small
from tenure.compile.routines.code import I8, I32, I64, POINTER, VOID, at, load, store

REALS = {"s": ir.FloatType(), "d": ir.DoubleType(), "c": ir.FloatType(), "z": ir.DoubleType()}
HEAD = 3


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


def number(c: Call, x: ir.Value, place: ir.Value) -> None:
    """Store a whole number as an element."""
    c.clear(place, constant(1))
    c.b.store(c.b.sitofp(x, c.real), place)


def real_number(c: Call, source: ir.Value, i: ir.Value, target: ir.Value) -> None:
    """Store a real number as an element."""
    place = c.element(target, i)
    c.clear(place, constant(1))
    c.b.store(load(c.b, source, i, c.real), place)


def blas(c: Call, name: str, passed: Sequence[ir.Value]) -> None:
    """A call of BLAS in C."""
    b, name = c.b, f"scipy_cblas_{c.kind}{name}"
    kind = ir.FunctionType(VOID, [v.type for v in passed])
    b.call(b.module.globals.get(name) or ir.Function(b.module, kind, name), passed)


def scalar(c: Call, one: ir.Value) -> ir.Value:
    """A real number as BLAS takes a scalar: of complex matrices the address of a complex one."""
    if c.words == 1:
        return one
    place = stack(c.b, ir.ArrayType(c.real, 2))
    store(c.b, one, place, 0)
    store(c.b, ir.Constant(c.real, 0), place, 1)
    return place
