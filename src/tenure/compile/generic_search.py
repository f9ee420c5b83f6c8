"""Searches of any size: the index of the first largest or smallest element, or of the first NaN.

In a row, vectors are passed over whose elements are all worse than the best one so far; columns are searched side by
side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from tenure.compile.dynamic import DynamicEmitter
from tenure.compile.nests import constant, counted, guarded
from tenure.dtypes import DType, int64

I64 = ir.IntType(64)
WIDTH = 16


class Search:
    """The loops over contiguous elements at ``x``, whose indices are stored at ``out``; ``sign`` is that of better."""

    def __init__(
        self,
        b: ir.IRBuilder,
        emitter: Callable[[int], DynamicEmitter],
        x: ir.Value,
        out: ir.Value,
        dtype: DType,
        sign: str,
    ) -> None:
        self.b, self.emitter, self.x, self.out, self.dtype, self.sign = b, emitter, x, out, dtype, sign

    def better(self, e: DynamicEmitter, y: ir.Value, best: ir.Value) -> ir.Value:
        """Whether an element is to be taken for the best one."""
        better = e.compare(self.sign, y, best)
        if self.dtype.kind != "f":
            return better
        return self.b.or_(better, self.b.and_(e.compare("!=", y, y), e.compare("==", *e.level(best, best))))

    def taken(self, e: DynamicEmitter, at: ir.Value, i: ir.Value, held: list[Any]) -> list[Any]:
        """The best ones and their indices after the element, or the vector, at an address, of index i."""
        y = e.fetch(self.x, at, self.dtype, e.width > 1)
        better = self.better(e, y, held[0])
        return [e.select(better, y, held[0]), e.select(better, e.splat(i), held[1])]

    def rows(self, outer: ir.Value, n: ir.Value) -> None:
        """Row after row."""
        b, e, wide = self.b, self.emitter(1), self.emitter(WIDTH)

        def row(o: ir.Value, _: list[Any]) -> list[Any]:
            start = b.mul(o, n)

            def step(i: ir.Value, held: list[Any]) -> list[Any]:
                return self.taken(e, b.add(start, i), i, held)

            def piece(i: ir.Value, held: list[Any]) -> list[Any]:
                y = wide.fetch(self.x, b.add(start, i), self.dtype, True)
                lanes = self.better(wide, y, wide.splat(held[0]))
                mask = ir.IntType(WIDTH)
                some = b.icmp_unsigned("!=", b.bitcast(lanes, mask), ir.Constant(mask, 0))
                last = b.add(i, constant(WIDTH))
                return guarded(b, some, held, lambda held: counted(b, i, last, 1, step, held))

            whole = b.and_(n, constant(-WIDTH))
            first = [e.fetch(self.x, start, self.dtype), constant(0)]
            held = counted(b, constant(0), whole, WIDTH, piece, first)
            _, where = counted(b, whole, n, 1, step, held)
            e.put(where, self.out, o, int64)
            return []

        counted(b, constant(0), outer, 1, row)

    def columns(self, outer: ir.Value, n: ir.Value, inner: ir.Value, width: int) -> None:
        """Columns side by side, those behind full vectors one by one."""
        b = self.b

        def matrix(o: ir.Value, _: list[Any]) -> list[Any]:
            whole = b.and_(inner, constant(-width))
            for first, last, w in ((constant(0), whole, width), (whole, inner, 1)):
                e = self.emitter(w)

                def strip(c: ir.Value, _: list[Any], e: DynamicEmitter = e) -> list[Any]:
                    return self.strip(e, o, n, inner, c)

                counted(b, first, last, w, strip)
            return []

        counted(b, constant(0), outer, 1, matrix)

    def strip(self, e: DynamicEmitter, o: ir.Value, n: ir.Value, inner: ir.Value, c: ir.Value) -> list[Any]:
        """The columns of a vector from c on."""
        b = self.b
        start = b.add(b.mul(b.mul(o, n), inner), c)

        def step(i: ir.Value, held: list[Any]) -> list[Any]:
            return self.taken(e, b.add(start, b.mul(i, inner)), i, held)

        held = [e.fetch(self.x, start, self.dtype, e.width > 1), e.splat(constant(0))]
        _, where = counted(b, constant(1), n, 1, step, held)
        e.put(where, self.out, b.add(b.mul(o, inner), c), int64)
        return []
