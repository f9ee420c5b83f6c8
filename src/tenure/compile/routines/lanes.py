"""Vectors in memory and side by side: of several vectors, element k of all as one vector of lanes; and back.

    inward    rows, from row to row, from element to element, rows that there are, elements, lanes
    outward   the same, a factor, the places of the pairs of parts

Whole rows in order are turned in registers, rows whose elements lie side by side are read as they lie; the rest goes
element by element. An element is a real number, or both parts of a complex one, which are lanes of their own.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted
from tenure.compile.routines.code import I8, I32, I64, POINTER, VOID, at, load, splat, started
from tenure.compile.transpose import in_registers, prefetch
from tenure.ops.fourier import LINE


def signature(t: ir.Type) -> ir.FunctionType:
    """Rows, bytes from row to row and from element to element, rows, elements, lanes, factor, places."""
    return ir.FunctionType(VOID, [POINTER, I64, I64, I64, I64, POINTER, t, POINTER])


class Copy:
    """A copy between rows and lanes, one way."""

    def __init__(self, module: ir.Module, name: str, t: ir.Type, lanes: int, parts: int, inward: bool) -> None:
        self.function, self.b = started(module, name, signature(t))
        self.start, self.down, self.along, self.rows, self.count, self.room, factor, self.places = self.function.args
        self.t, self.lanes, self.parts, self.inward = t, lanes, parts, inward
        self.wide = ir.VectorType(t, lanes)
        self.size = 4 if isinstance(t, ir.FloatType) else 8
        self.factor = None if inward else splat(self.b, factor, lanes)
        self.number = factor

    def emit(self) -> ir.Function:
        """The function: all rows that there may be, in order or side by side, or some."""
        b, whole = self.b, constant(self.parts * self.size)
        full = b.icmp_signed("==", self.rows, constant(self.lanes))
        in_order = b.and_(full, b.icmp_signed("==", self.along, whole))
        beside = b.and_(full, b.icmp_signed("==", self.down, whole))
        with b.if_else(in_order) as (yes, no):
            with yes:
                numbers = b.mul(self.count, constant(self.parts))
                last = b.and_(numbers, constant(-self.lanes))
                counted(b, constant(0), last, self.lanes, self.square)
                self.single(b.udiv(last, constant(self.parts)))
            with no, b.if_else(beside) as (yes, no):
                with yes:
                    counted(b, constant(0), self.count, 1, self.side_by_side)
                with no:
                    if self.inward:
                        self.clear()
                    self.single(constant(0))
        b.ret_void()
        return self.function

    def held(self, k: ir.Value) -> ir.Value:
        """The address of lanes number k."""
        return at(self.b, self.room, k if self.inward else self.place(k), self.wide)

    def place(self, k: ir.Value) -> ir.Value:
        """The number of lanes that have number k of a row."""
        b = self.b
        pair = b.zext(load(b, self.places, b.lshr(k, constant(1)), I32), I64)
        return b.add(b.shl(pair, constant(1)), b.and_(k, constant(1)))

    def take(self, k: ir.Value) -> ir.Value:
        """Lanes number k, by the factor."""
        return self.b.fmul(self.b.load(self.held(k), typ=self.wide, align=self.lanes * self.size), self.factor)

    def keep(self, x: ir.Value, k: ir.Value) -> None:
        self.b.store(x, self.held(k), align=self.lanes * self.size)

    def square(self, k: ir.Value, _: list[Any]) -> list[Any]:
        """As many numbers of each row as there are rows; the next rows are asked for meanwhile."""
        b = self.b
        with b.if_then(b.icmp_signed("==", b.and_(k, constant(LINE // self.size - 1)), constant(0))):
            for r in range(self.lanes, 2 * self.lanes):
                prefetch(b, at(b, at(b, self.start, b.mul(self.down, constant(r)), I8), k, self.t))
        places = [at(b, at(b, self.start, b.mul(self.down, constant(r)), I8), k, self.t) for r in range(self.lanes)]
        if self.inward:
            columns = in_registers(b, [b.load(p, typ=self.wide, align=self.size) for p in places])
            for j, x in enumerate(columns):
                self.keep(x, b.add(k, constant(j)))
        else:
            columns = [self.take(b.add(k, constant(j))) for j in range(self.lanes)]
            for p, x in zip(places, in_registers(b, columns), strict=True):
                b.store(x, p, align=self.size)
        return []

    def side_by_side(self, i: ir.Value, _: list[Any]) -> list[Any]:
        """Element i of all rows, whose parts alternate in memory."""
        b, n, parts = self.b, self.lanes, self.parts
        place = at(b, self.start, b.mul(i, self.along), I8)
        numbers = [b.add(b.mul(i, constant(parts)), constant(k)) for k in range(parts)]
        index = ir.VectorType(I32, n)
        if self.inward:
            read = [b.load(at(b, place, k, self.wide), typ=self.wide, align=self.size) for k in range(parts)]
            if parts == 2:
                read = [b.shuffle_vector(*read, ir.Constant(index, list(range(k, 2 * n, 2)))) for k in range(2)]
            for x, k in zip(read, numbers, strict=True):
                self.keep(x, k)
            return []
        taken = [self.take(k) for k in numbers]
        if parts == 2:
            orders = [[j // 2 + n * (j % 2) for j in range(first, first + n)] for first in (0, n)]
            taken = [b.shuffle_vector(*taken, ir.Constant(index, order)) for order in orders]
        for k, x in enumerate(taken):
            b.store(x, at(b, place, k, self.wide), align=self.size)
        return []

    def single(self, first: ir.Value) -> None:
        """The elements from a place on, one by one."""
        b, parts = self.b, self.parts

        def element(i: ir.Value, _: list[Any]) -> list[Any]:
            def row(r: ir.Value, _: list[Any]) -> list[Any]:
                start = at(b, self.start, b.add(b.mul(r, self.down), b.mul(i, self.along)), I8)
                for k in range(parts):
                    lane = at(b, self.held(b.add(b.mul(i, constant(parts)), constant(k))), r, self.t)
                    place = at(b, start, k, self.t)
                    if self.inward:
                        b.store(b.load(place, typ=self.t), lane)
                    else:
                        b.store(b.fmul(b.load(lane, typ=self.t), self.number), place)
                return []

            counted(b, constant(0), self.rows, 1, row)
            return []

        counted(b, first, self.count, 1, element)

    def clear(self) -> None:
        """Zeros in all lanes."""
        zero = splat(self.b, ir.Constant(self.t, 0.0), self.lanes)

        def one(k: ir.Value, _: list[Any]) -> list[Any]:
            self.keep(zero, k)
            return []

        counted(self.b, constant(0), self.b.mul(self.count, constant(self.parts)), 1, one)
