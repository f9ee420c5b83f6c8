"""Rows of results of a convolution, stored where they belong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from llvmlite import ir

from tenure.compile.nests import constant, counted
from tenure.compile.routines.blocks import Numbers
from tenure.compile.routines.code import I1, I32, I64, POINTER, at, least, load, some, splat, store
from tenure.compile.routines.copies import emit_copy, within
from tenure.compile.routines.singles import Singles, emit_single
from tenure.compile.routines.tiles import REALS, emit_strips, vector


class Calls(NamedTuple):
    """The functions that blocks call."""

    copy: ir.Function
    single: ir.Function
    strips: ir.Function | None = None

    @staticmethod
    def emitted(module: ir.Module, name: str, bits: int, lanes: int) -> Calls:
        """Add them."""
        copy, strips = (emit(module, f"{name}.{emit.__name__}", bits, lanes) for emit in (emit_copy, emit_strips))
        return Calls(copy, emit_single(module, f"{name}.single", bits), strips)


class Results:
    """The code of a block of results: where it is, and where its rows are stored."""

    def __init__(
        self, b: ir.IRBuilder, numbers: ir.Value, buffers: ir.Value, bits: int, lanes: int, calls: Calls
    ) -> None:
        self.copy, self.single, self.strips = calls
        self.b, self.n, self.lanes, self.bits = b, Numbers(b, numbers, bits), lanes, bits
        self.numbers, self.buffers = numbers, buffers
        self.t, self.dead, self.lane = REALS[bits], I1(0), constant(0)
        self.images, self.weights, self.out, self.all = (load(b, buffers, k, POINTER) for k in range(4))
        self.seen = self.rows = self.kept = self.all
        self.singles: Singles
        self.job: Sequence[ir.Value] = [constant(0)] * 3

    def place(self, image: ir.Value, group: ir.Value, d: ir.Value, h: ir.Value, w: ir.Value) -> ir.Value:
        """Begin with a block of an image; gives the first channel of what it reads."""
        b, n = self.b, self.n
        self.image, self.group = image, group
        self.box = [d, n.product(h, "block.h"), n.product(w, "block.w")]
        sizes = zip(n.three("counts"), self.box, n.three("block"), strict=True)
        self.height, self.width = [least(b, b.sub(count, x), size) for count, x, size in sizes][1:]
        self.across, self.step = n("across"), n("step_out.w")
        own = n.product(b.add(n.product(image, "groups"), group), "channels")
        return at(b, self.images, b.mul(own, n.volume("source")), self.t)

    def lines(self) -> None:
        """Common numbers of the rows of a residue: where they begin and end, and whether all are one row."""
        b, n = self.b, self.n
        steps, width = (*n.three("step_out")[:2], self.step), n("target.w")
        spots = zip(self.box, n.three("step_out"), self.job, strict=True)
        self.spot = [b.add(b.mul(x, s), f) for x, s, f in spots]
        same = [b.icmp_signed("==", x, self.width) for x in (width, self.across)]
        dense, alone = (b.icmp_signed("==", x, constant(1)) for x in (steps[2], n("woven")))
        self.flat = b.and_(b.and_(*same), b.and_(dense, b.icmp_signed("==", steps[1], constant(1))))
        begin, end = within(n, self.spot[2], steps[2], width, self.width)
        end = b.select(self.flat, b.mul(self.height, self.width), end)
        self.ends, self.dense = (begin, end), b.and_(dense, alone)
        self.scattered = b.and_(alone, b.not_(dense))
        self.count = b.select(self.flat, constant(1), self.height)
        own = n.product(b.add(n.product(self.image, "groups"), self.group), "results")
        self.start = at(b, self.out, n.product(own, n.volume("target")), self.t)

    def store(self, o: ir.Value, i: ir.Value) -> None:
        """Store a result, row by row, where it belongs."""
        b, n = self.b, self.n
        down, area = n("step_out.h"), n.product("target.h", "target.w")
        deep = n.inside(self.spot[0], n("target.d"))
        line = at(b, self.start, b.add(n.product(o, n.volume("target")), b.mul(self.spot[0], area)), self.t)
        source = at(b, self.rows, n.product(i, "pitch"), self.t)

        def row(r: ir.Value, held: list[Any]) -> list[Any]:
            h, source = held
            with b.if_then(b.and_(deep, n.inside(h, n("target.h")))):
                out = at(b, line, n.product(h, "target.w"), self.t)
                found = self.moved(out, source)
                with b.if_then(b.or_(found, self.dead), likely=False):
                    self.singles.mend(out, o, r, h)
            return [b.add(h, down), at(b, source, n.product(self.across, "woven"), self.t)]

        counted(b, constant(0), self.count, 1, row, [self.spot[1], source])

    def read_at(self, r: ir.Value, k: ir.Value) -> ir.Value:
        """The place in a channel at which a result's window begins."""
        b, n = self.b, self.n
        return b.add(n.product(b.add(n.product(r, "extent.w"), k), "woven"), self.lane)

    def reached(self) -> ir.Value:
        """The number of places in a channel that a block reads."""
        return self.n("channel")

    def moved(self, line: ir.Value, source: ir.Value) -> ir.Value:
        """Move the elements of a row; whether any is to be looked at: no finite number, or a zero where marks are."""
        b, n, lanes = self.b, self.n, self.lanes
        first, step = self.spot[2], self.step
        wide, words = ir.VectorType(self.t, lanes), ir.VectorType(ir.IntType(self.bits), lanes)
        marks = b.sub(constant(0), n("marks"))
        masks = splat(b, b.trunc(marks, ir.IntType(self.bits)) if self.bits < 64 else marks, lanes)

        def seen(x: ir.Value, held: Sequence[ir.Value]) -> list[ir.Value]:
            none = b.sext(b.fcmp_ordered("==", x, ir.Constant(wide, None)), words)
            return [b.fadd(held[0], b.fsub(x, x)), b.or_(held[1], b.and_(none, masks))]

        def dense(k: ir.Value, held: list[Any]) -> list[Any]:
            x = vector(b, source, k, self.t, lanes)
            b.store(x, at(b, line, b.add(first, k), self.t), align=4)
            return seen(x, held)

        def spread(k: ir.Value, held: list[Any]) -> list[Any]:
            x, start = vector(b, source, k, self.t, lanes), at(b, line, b.add(first, b.mul(k, step)), self.t)
            for i in range(lanes):
                store(b, b.extract_element(x, ir.Constant(I32, i)), start, b.mul(step, constant(i)))
            return seen(x, held)

        def one(k: ir.Value, held: list[Any]) -> list[Any]:
            x = load(b, source, n.product(k, "woven"), self.t)
            store(b, x, line, b.add(first, b.mul(k, step)))
            return seen(splat(b, x, lanes), held)

        held = [ir.Constant(wide, None), ir.Constant(words, None)]
        begin, end = self.ends
        whole = b.sub(end, b.and_(b.sub(end, begin), constant(lanes - 1)))
        last = b.sub(end, constant(lanes))
        long = b.and_(self.dense, b.icmp_signed(">=", last, begin))
        held = counted(b, begin, b.select(long, last, begin), lanes, dense, held)
        held = counted(b, last, b.add(last, b.zext(long, I64)), 1, dense, held)  # over some that are there already
        begin = b.select(long, end, begin)
        held = counted(b, begin, b.select(self.scattered, whole, begin), lanes, spread, held)
        begin = b.select(self.scattered, whole, begin)
        nothing, none = counted(b, begin, end, 1, one, held)
        broken = some(b, b.fcmp_unordered("uno", nothing, nothing))
        return b.or_(broken, some(b, b.icmp_signed("!=", none, ir.Constant(words, None))))

    def ended(self, row: ir.Value, place: ir.Value, count: ir.Value, single: Callable[[ir.Value], ir.Value]) -> None:
        """Move a row to where it belongs; what is not finite, and a zero where marks are, is computed anew."""
        b, n = self.b, self.n
        self.spot, self.step, self.ends = [constant(0)] * 3, constant(1), (constant(0), count)
        self.dense, self.scattered = I1(1), I1(0)
        found = self.moved(place, row)
        with b.if_then(found, likely=False):

            def one(k: ir.Value, _: list[Any]) -> list[Any]:
                x = load(b, place, k, self.t)
                nothing, zero = b.fsub(x, x), b.fcmp_ordered("==", x, ir.Constant(self.t, 0.0))
                odd = b.or_(b.fcmp_unordered("uno", nothing, nothing), b.and_(zero, b.trunc(n("marks"), I1)))
                with b.if_then(odd):
                    store(b, single(k), place, k)
                return []

            counted(b, constant(0), count, 1, one)
