"""The transpose of a convolution by columns: what a place comes to in each window, added where it belongs.

    sums[p][r, k] = Σ_c y[c, p] w[c, r, k];   x[r, steps · p + gaps · k − lows] += sums[p][r, k]

A panel (``panels``) holds some r, k side by side; of each k a list of pairs says where its places go (``scattered``).
What would lie outside is in no list.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.blocks import Numbers
from tenure.compile.routines.code import I8, I32, I64, POINTER, TASK, at, least, load, started, store
from tenure.compile.routines.dense import Panels, Reading
from tenure.compile.routines.results import Calls
from tenure.compile.routines.scattered import cleared, emit_added, paired
from tenure.compile.routines.singles import emit_parts, split
from tenure.compile.routines.tiles import REALS, stepped
from tenure.ops.panels import width


def emit(
    module: ir.Module, name: str, bits: int, lanes: int, calls: Calls, panels: Panels
) -> tuple[ir.Function, ir.Function]:
    """The tasks that lay out weights, and that compute pieces of the work."""
    function, b = started(module, f"{name}.pieces", TASK)
    buffers, numbers = (load(b, function.args[0], k, POINTER) for k in range(2))
    block = Columns(b, numbers, buffers, bits, lanes, calls)
    block.panels, block.added, n = panels, emit_added(module, f"{name}.added", bits), block.n
    emit_parts(block, [n.parts(n("images"), n("joined")), n("groups"), n.parts(n("results"), n("part"))])
    return emit_weights(module, f"{name}.weights", bits), function


def parts(n: Numbers) -> ir.Value:
    """The panels of a group."""
    return n.parts(n.product("results", n.volume("window")), constant(width(n.bits)))


def emit_weights(module: ir.Module, name: str, bits: int) -> ir.Function:
    """The task that lays out the weights of a panel, channel by channel; the last one's for those that are not."""
    function, b = started(module, name, TASK)
    context, first, last = function.args
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    n, line, t = Numbers(b, numbers, bits), constant(width(bits)), REALS[bits]
    weights, target = load(b, buffers, 1, POINTER), n.room(load(b, buffers, 3, POINTER), "turned")
    row = n.product("results", n.volume("window"))

    def one(item: ir.Value, _: list[Any]) -> list[Any]:
        group, low = b.sdiv(item, parts(n)), b.mul(b.srem(item, parts(n)), line)
        source, left = at(b, weights, n.product(group, "channels", row), t), b.sub(row, low)
        out = at(b, target, n.product(item, "channels", line), t)

        def put(c: ir.Value, i: ir.Value, x: ir.Value) -> None:
            b.store(x, at(b, out, b.add(b.mul(c, line), i), t), align=bits // 8)

        def whole(c: ir.Value, _: list[Any]) -> list[Any]:
            place = at(b, source, b.add(b.mul(c, row), low), t)
            put(c, constant(0), b.load(place, typ=ir.VectorType(t, width(bits)), align=bits // 8))
            return []

        def single(c: ir.Value, i: ir.Value) -> None:
            here = b.add(low, least(b, i, b.sub(left, constant(1))))
            put(c, i, load(b, source, b.add(b.mul(c, row), here), t))

        full = b.icmp_signed(">=", left, line)
        counted(b, constant(0), b.select(full, n("channels"), constant(0)), 1, whole)
        n.each((b.select(full, constant(0), n("channels")), line), single)
        return []

    counted(b, first, last, 1, one)
    b.ret_void()
    return function


def emit_offsets(n: Numbers, room: ir.Value) -> None:
    """Write down where the channels of an image are."""
    b, table = n.b, n.room(room, "starts")

    def one(c: ir.Value, _: list[Any]) -> list[Any]:
        b.store(b.trunc(n.product(c, n.volume("source")), I32), at(b, table, c, I32))
        return []

    counted(b, constant(0), n("channels"), 1, one)


class Columns(Reading):
    """The code of some results of an image, or of a few."""

    panels: Panels
    added: ir.Function

    def rooms(self, piece: ir.Value) -> None:
        """The room of a piece: sums, places, and pairs of each element of a window."""
        b, n = self.b, self.n
        self.table, self.laid = n.room(self.all, "starts"), n.room(self.all, "turned")
        self.sums = at(b, n.room(self.all, "pieces_at"), n.product(piece, "piece"), I8)
        self.places = at(b, self.sums, n.product("pitch", "chunk"), self.t)
        self.pairs = at(b, self.places, n("pitch"), self.t)
        self.before = stack(b, I64)
        b.store(constant(0), self.before)

    def emit(self, images: ir.Value, group: ir.Value, part: ir.Value) -> None:
        """Compute the results of a part."""
        b, n = self.b, self.n
        first, low = n.product(images, "joined"), n.product(part, "part")
        self.many = least(b, n("joined"), b.sub(n("images"), first))
        self.low, self.count = low, least(b, n("part"), b.sub(n("results"), low))
        self.image, self.group, self.size = first, group, n.volume("target")
        with b.if_then(b.icmp_signed("!=", b.load(self.before, typ=I64), self.many)):
            b.store(self.many, self.before)
            self.listed()
        own = n.product(b.add(n.product(first, "groups"), group), "results")
        self.start = at(b, self.out, b.mul(b.add(own, low), self.size), self.t)
        self.whole = n.product("groups", "results", self.size)
        n.each((self.many,), self.clear)
        taps = n.volume("window")
        stepped(b, b.mul(low, taps), b.mul(b.add(low, self.count), taps), constant(width(self.bits)), self.panel)
        n.each((self.many,), self.mend)

    def listed(self) -> None:
        """Write down where places are, and where they go."""
        b, n = self.b, self.n
        source, size = n.three("source"), n.volume("source")
        between, image = n.product("groups", "channels", size), n.product("groups", "results", n.volume("target"))

        def place(i: ir.Value, p: ir.Value) -> None:
            found = b.trunc(b.add(b.mul(i, between), p), I32)
            b.store(found, at(b, self.places, b.add(b.mul(i, size), p), I32))

        n.each((self.many, size), place)
        self.repeated(self.places, b.mul(self.many, size))

        def tap(*taps: ir.Value) -> None:
            pairs = self.pairs_of(n.flat(taps, n.three("window")))
            cleared(b, pairs)
            offs = [b.sub(n.product(k, f"gap.{a}"), n(f"lows.{a}")) for k, a in zip(taps, "dhw", strict=True)]

            def pair(i: ir.Value, *spot: ir.Value) -> None:
                ends = [b.add(n.product(p, f"step_out.{a}"), o) for p, a, o in zip(spot, "dhw", offs, strict=True)]
                there = [n.inside(x, size) for x, size in zip(ends, n.three("target"), strict=True)]
                to = b.add(b.mul(i, image), n.flat(ends, n.three("target")))
                own = n.product(b.add(b.mul(i, size), n.flat(spot, source)), constant(width(self.bits)))
                paired(b, pairs, own, to, b.and_(there[0], b.and_(there[1], there[2])))

            n.each((self.many, *source), pair)

        n.each(n.three("window"), tap)

    def pairs_of(self, tap: ir.Value) -> ir.Value:
        """The pairs of an element of a window."""
        return at(self.b, self.pairs, self.b.mul(self.n.product(tap, "pitch"), constant(2)), I32)

    def clear(self, i: ir.Value) -> None:
        """Begin with nothing."""
        b, start = self.b, at(self.b, self.start, self.b.mul(i, self.whole), self.t)

        def one(k: ir.Value, _: list[Any]) -> list[Any]:
            store(b, ir.Constant(self.t, 0.0), start, k)
            return []

        counted(b, constant(0), b.mul(self.count, self.size), 1, one)

    def panel(self, low: ir.Value, _: list[Any]) -> list[Any]:
        """Add a panel of results and elements of windows, number ``low`` and those behind it."""
        b, n, line = self.b, self.n, constant(width(self.bits))
        taps = n.volume("window")
        end, terms = b.mul(b.add(self.low, self.count), taps), n("channels")
        many = least(b, line, b.sub(end, low))
        own = n.product(b.add(n.product(self.group, parts(n)), b.sdiv(low, line)), "channels", line)
        source = n.product(b.add(n.product(self.image, "groups"), self.group), "channels", n.volume("source"))
        total = b.mul(self.many, n.volume("source"))
        half = b.zext(b.icmp_signed("<=", many, constant(width(self.bits) // 2)), I64)
        images = at(b, self.images, source, self.t)
        passed = [at(b, self.laid, own, self.t), self.table, images, self.places, total, terms, n("depth")]
        b.call(self.panels.panels, [*passed, self.sums, constant(0), half])

        def one(j: ir.Value, _: list[Any]) -> list[Any]:
            e = b.add(low, j)
            result = b.sub(b.sdiv(e, taps), self.low)
            out = at(b, self.start, b.mul(result, self.size), self.t)
            b.call(self.added, [at(b, self.sums, j, self.t), self.pairs_of(b.srem(e, taps)), out])
            return []

        counted(b, constant(0), many, 1, one)
        return []

    def mend(self, i: ir.Value) -> None:
        """Compute anew what is not finite, or zero where marks are asked for, of image i."""
        b, n = self.b, self.n
        place = at(b, self.start, b.mul(i, self.whole), self.t)

        def single(e: ir.Value) -> ir.Value:
            o, *spot = split(b, e, n.three("target"))
            given = [self.numbers, self.buffers, b.add(self.image, i), self.group, b.add(self.low, o), *spot]
            return b.call(self.single, given)

        self.ended(place, place, b.mul(self.count, self.size), single)
