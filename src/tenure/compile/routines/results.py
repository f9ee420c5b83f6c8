"""Rows of results of a convolution, stored where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from llvmlite import ir

from tenure.compile.nests import constant, counted
from tenure.compile.routines.blocks import Numbers, emit_copy, within
from tenure.compile.routines.code import I1, POINTER, at, least, load, some, splat, store
from tenure.compile.routines.singles import Singles, emit_single
from tenure.compile.routines.tiles import REALS, emit_strips, vector


class Calls(NamedTuple):
    """The functions that blocks call."""

    copy: ir.Function
    strips: ir.Function
    single: ir.Function

    @staticmethod
    def emitted(module: ir.Module, name: str, bits: int, lanes: int) -> Calls:
        """Add them."""
        copy, strips = (emit(module, f"{name}.{emit.__name__}", bits, lanes) for emit in (emit_copy, emit_strips))
        return Calls(copy, strips, emit_single(module, f"{name}.single", bits))


class Results:
    """The code of a block of results: where it is, and where its rows are stored."""

    def __init__(
        self, b: ir.IRBuilder, numbers: ir.Value, buffers: ir.Value, bits: int, lanes: int, calls: Calls
    ) -> None:
        self.copy, self.strips, self.single = calls
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
        own = n.product(b.add(n.product(image, "groups"), group), "channels")
        return at(b, self.images, b.mul(own, n.volume("source")), self.t)

    def lines(self) -> None:
        """Common numbers of the rows of a residue: where they begin and end, and whether all are one row."""
        b, n = self.b, self.n
        steps, offsets, width = n.three("step_out"), n.three("offset"), n("target.w")
        spots = zip(self.box, steps, self.job, offsets, strict=True)
        self.spot = [b.add(b.add(b.mul(x, s), f), k) for x, s, f, k in spots]
        same = [b.icmp_signed("==", x, self.width) for x in (width, n("across"))]
        dense, alone = (b.icmp_signed("==", x, constant(1)) for x in (steps[2], n("woven")))
        self.flat = b.and_(b.and_(*same), b.and_(dense, b.icmp_signed("==", steps[1], constant(1))))
        begin, end = within(n, self.spot[2], steps[2], width, self.width)
        end = b.select(self.flat, b.mul(self.height, self.width), end)
        whole = b.sub(end, b.and_(b.sub(end, begin), constant(self.lanes - 1)))
        self.ends, self.vectors = (begin, end), b.select(b.and_(dense, alone), whole, begin)
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
            return [b.add(h, down), at(b, source, n.product("across", "woven"), self.t)]

        counted(b, constant(0), self.count, 1, row, [self.spot[1], source])

    def moved(self, line: ir.Value, source: ir.Value) -> ir.Value:
        """Move the elements of a row; whether any is to be looked at."""
        b, n, words = self.b, self.n, ir.IntType(self.bits)
        marks, first, step = b.trunc(n("marks"), I1), self.spot[2], n("step_out.w")

        def odd(x: ir.Value, count: int) -> ir.Value:
            nothing = b.fsub(x, x)
            zero = b.fcmp_ordered("==", x, ir.Constant(x.type, 0.0 if count == 1 else None))
            zero = b.and_(zero, marks if count == 1 else splat(b, marks, count))
            return b.or_(b.fcmp_unordered("uno", nothing, nothing), zero)

        def several(k: ir.Value, held: list[Any]) -> list[Any]:
            x = vector(b, source, k, self.t, self.lanes)
            b.store(x, at(b, line, b.add(first, k), self.t), align=4)
            return [b.or_(held[0], b.sext(odd(x, self.lanes), wide))]

        def one(k: ir.Value, held: list[Any]) -> list[Any]:
            x = load(b, source, n.product(k, "woven"), self.t)
            store(b, x, line, b.add(first, b.mul(k, step)))
            return [b.or_(held[0], odd(x, 1))]

        wide = ir.VectorType(words, self.lanes)
        (lanes,) = counted(b, self.ends[0], self.vectors, self.lanes, several, [ir.Constant(wide, None)])
        (last,) = counted(b, self.vectors, self.ends[1], 1, one, [I1(0)])
        return b.or_(last, some(b, b.icmp_signed("!=", lanes, ir.Constant(wide, None))))
