"""Blocks of a convolution, or of its transpose, by panels: some results of each place side by side (``panels``).

A block is read where it lies, or copied with its border; a table says where the windows of its places begin. Weights
are laid out line by line first. What a panel gives is turned, and stored row by row (``results``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.blocks import Numbers
from tenure.compile.routines.code import I1, I8, I32, I64, POINTER, TASK, VOID, at, least, load, some, started, store
from tenure.compile.routines.panels import LARGEST, emit_laid, emit_panels, emit_turned, halved
from tenure.compile.routines.results import Calls, Results
from tenure.compile.routines.scattered import cleared, emit_scattered, paired
from tenure.compile.routines.singles import Singles, emit_parts
from tenure.compile.routines.tiles import number, stepped, vector
from tenure.ops.cuts import LISTS, SHORT, SLACK
from tenure.ops.panels import width


class Panels(NamedTuple):
    """The functions of panels."""

    panels: ir.Function
    turned: ir.Function
    scattered: ir.Function
    line: ir.Function

    @staticmethod
    def emitted(module: ir.Module, name: str, bits: int, lanes: int) -> Panels:
        """Add them."""
        return Panels(
            emit_panels(module, f"{name}.panels", bits, lanes),
            emit_turned(module, f"{name}.turned", bits, lanes),
            emit_scattered(module, f"{name}.scattered", bits),
            emit_line(module, f"{name}.line", bits, emit_laid(module, f"{name}.laid", bits, lanes)),
        )


def emit(
    module: ir.Module, name: str, bits: int, lanes: int, calls: Calls, panels: Panels
) -> tuple[ir.Function, ir.Function]:
    """The tasks that lay out weights, and that compute pieces of the work."""
    pieces = emit_pieces(module, f"{name}.pieces", bits, lanes, calls, panels)
    return emit_weights(module, f"{name}.weights", bits, panels.line), pieces


def parts(n: Numbers) -> ir.Value:
    """The panels of a group."""
    return n.parts(n("results"), constant(width(n.bits)))


def emit_weights(module: ir.Module, name: str, bits: int, line: ir.Function) -> ir.Function:
    """The task that lays out the weights of panels."""
    function, b = started(module, name, TASK)
    context, first, last = function.args
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    n, size = Numbers(b, numbers, bits), constant(width(bits))
    count, target = n.product("channels", n.volume("window")), n.room(load(b, buffers, 3, POINTER), "turned")

    def one(item: ir.Value, _: list[Any]) -> list[Any]:
        group, low = b.sdiv(item, parts(n)), b.mul(b.srem(item, parts(n)), size)
        out = at(b, target, n.product(item, count, size), n.t)
        b.call(line, [numbers, buffers, group, low, constant(0), count, out])
        return []

    counted(b, first, last, 1, one)
    b.ret_void()
    return function


def emit_line(module: ir.Module, name: str, bits: int, laid: ir.Function) -> ir.Function:
    """void line(numbers, buffers, group, first result, first term, terms, out): the weights of a panel, term by term;
    the last result's for those that are not."""
    function, b = started(module, name, ir.FunctionType(VOID, [POINTER, POINTER, *[I64] * 4, POINTER]))
    numbers, buffers, group, low, first, count, out = function.args
    n, line = Numbers(b, numbers, bits), width(bits)
    taps = n.volume("window")
    all_ = n.product("channels", taps)
    places = at(b, n.room(load(b, buffers, 3, POINTER), "starts"), b.add(all_, first), I32)
    source = at(b, load(b, buffers, 1, POINTER), n.product(group, "results", all_), n.t)
    end, many = b.sub(n("results"), constant(1)), least(b, constant(line), b.sub(n("results"), low))
    starts = [at(b, source, n.product(least(b, b.add(low, constant(i)), end), "by_result"), n.t) for i in range(line)]

    def channel(c: ir.Value, _: list[Any]) -> list[Any]:
        own = at(b, starts[0], n.product(c, "by_channel"), n.t)
        b.call(laid, [own, n("by_result"), many, taps, at(b, out, n.product(c, taps, constant(line)), n.t)])
        return []

    with b.if_else(b.icmp_signed(">", n("sign"), constant(0))) as (in_order, turned):
        with in_order:
            b.call(laid, [at(b, starts[0], first, n.t), n("by_result"), many, count, out])
        with turned:
            one = b.icmp_signed("==", n.volume("step_out"), constant(1))  # all elements of a window are terms, in order
            counted(b, constant(0), b.select(one, n("channels"), constant(0)), 1, channel)
            left = b.select(one, constant(0), count)
            counted(b, constant(0), left, 1, lambda e, _: gathered(n, starts, number(b, places, e), out, e))
    b.ret_void()
    return function


def gathered(n: Numbers, starts: Sequence[ir.Value], place: ir.Value, out: ir.Value, e: ir.Value) -> list[Any]:
    """Put an element of several rows in line e."""
    b, line, half = n.b, len(starts), len(starts) // 2
    for first in (0, half):
        x: ir.Value = ir.Constant(ir.VectorType(n.t, half), ir.Undefined)
        for i, start in enumerate(starts[first : first + half]):
            x = b.insert_element(x, load(b, start, place, n.t), I32(i))
        b.store(x, at(b, out, b.add(b.mul(e, constant(line)), constant(first)), n.t), align=4)
    return []


def emit_pieces(module: ir.Module, name: str, bits: int, lanes: int, calls: Calls, panels: Panels) -> ir.Function:
    """The task of pieces of the work: blocks one after the other."""
    function, b = started(module, name, TASK)
    context = function.args[0]
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    block = Dense(b, numbers, buffers, bits, lanes, calls)
    block.panels, n = panels, block.n
    counts = [n.parts(n("images"), n("joined")), n("groups")]
    counts += [n.parts(*x) for x in zip(n.three("counts"), n.three("block"), strict=True)]
    counts.append(n.parts(n("results"), n("part")))
    emit_parts(block, counts)
    return function


class Reading(Results):
    """The code of what a block of an image, or of a few, reads: where it lies, and where windows begin."""

    copied: ir.Value
    lists: ir.Value
    places: ir.Value
    many: ir.Value

    def behind_lists(self) -> ir.Value:
        """The room behind the lists of copies."""
        b, n = self.b, self.n
        return at(b, self.lists, n.product("listed", constant(LISTS), b.add(n("channel"), constant(2))), self.t)

    def read(self, source: ir.Value, channels: ir.Value) -> None:
        """Find or copy what a block reads; images lie ``between`` one another."""
        b, n = self.b, self.n
        direct = b.icmp_signed("!=", n("direct"), constant(0))
        whole, own = n.product("groups", "channels", n.volume("source")), n.product("strip", "channel")
        spots = zip(self.box, n.three("step_in"), n.three("shift"), strict=True)
        start = n.flat([b.add(b.mul(x, s), k) for x, s, k in spots], n.three("source"))
        self.origin = b.select(direct, at(b, source, start, self.t), self.copied)
        self.between = b.select(direct, whole, own)

        def image(i: ir.Value) -> None:
            from_, to = at(b, source, b.mul(i, whole), self.t), at(b, self.copied, b.mul(i, own), self.t)
            b.call(self.copy, [self.numbers, from_, to, constant(1), channels, *self.box, self.lists])

        n.each((b.select(direct, constant(0), self.many),), image)

    def read_at(self, r: ir.Value, k: ir.Value) -> ir.Value:
        b, along = self.b, self.n("step_out.w")
        k = b.add(b.mul(r, self.across), k)  # where all rows are one, k goes on behind the first
        r, k = b.sdiv(k, self.across), b.srem(k, self.across)
        self.job = [*self.job[:2], b.srem(k, along)]
        return self.spot_of(r, b.sdiv(k, along))

    def spot_of(self, r: ir.Value, k: ir.Value) -> ir.Value:
        """The place at which a window begins, of place k in row r."""
        down, along = self.strides()
        return self.b.add(self.b.mul(r, down), self.b.mul(k, along))

    def strides(self) -> tuple[ir.Value, ir.Value]:
        """Elements between what results below and beside one another read."""
        b, n = self.b, self.n
        down, along = (b.sdiv(n(f"step_in.{axis}"), n(f"apart.{axis}")) for axis in "hw")
        return b.mul(down, n("extent.w")), along

    def reached(self) -> ir.Value:
        b, n = self.b, self.n
        last = self.spot_of(b.sub(self.height, constant(1)), b.sub(self.width, constant(1)))
        direct = b.icmp_signed("!=", n("direct"), constant(0))
        whole = self.spot_of(b.sub(n("block.h"), constant(1)), b.sub(n("block.w"), constant(1)))
        return b.select(direct, b.sub(n("reached"), b.sub(whole, last)), n("reached"))

    def begins(self) -> ir.Value:
        """Write the table of places; their number."""
        b, n = self.b, self.n
        down, along = self.strides()

        def row(i: ir.Value, r: ir.Value) -> None:
            first, to = (
                b.add(b.mul(i, self.between), b.mul(r, down)),
                b.mul(b.add(b.mul(i, self.height), r), self.width),
            )

            def one(k: ir.Value, _: list[Any]) -> list[Any]:
                place = b.trunc(b.add(first, b.mul(k, along)), I32)
                b.store(place, at(b, self.places, b.add(to, k), I32))
                return []

            counted(b, constant(0), self.width, 1, one)

        n.each((self.many, self.height), row)
        return b.mul(self.many, b.mul(self.height, self.width))

    def repeated(self, table: ir.Value, count: ir.Value) -> None:
        """Put the last entry of a table behind it a few times: a tile may read as many."""
        b = self.b
        last = load(b, table, b.sub(count, constant(1)), I32)
        for k in range(LARGEST):
            store(b, last, at(b, table, count, I32), k)


class Dense(Reading):
    """The code of a block of results, of one image or a few."""

    panels: Panels

    def rooms(self, piece: ir.Value) -> None:
        """The room of a piece: a panel of results, its rows, what is selected, places, what a block reads."""
        b, n = self.b, self.n
        self.starts, self.table, self.laid = self.all, n.room(self.all, "starts"), n.room(self.all, "turned")
        self.sums = at(b, n.room(self.all, "pieces_at"), n.product(piece, "piece"), I8)
        self.rows = self.turned = at(b, self.sums, n.product("pitch", "chunk"), self.t)
        self.kept = at(b, self.turned, n.product("pitch", "chunk", "step_out.w"), self.t)
        self.places = at(b, self.kept, b.add(n("reached"), constant(SLACK)), self.t)
        self.aims = at(b, self.places, n("pitch"), self.t)
        self.line = at(b, self.aims, b.mul(n.product("pitch", "step_out.w"), constant(2)), self.t)
        own = n.product("fresh", "channels", n.volume("window"), constant(width(self.bits)))
        self.lists = at(b, self.line, own, self.t)
        self.copied = self.behind_lists()

    def emit(self, images: ir.Value, group: ir.Value, d: ir.Value, h: ir.Value, w: ir.Value, part: ir.Value) -> None:
        """Compute a block."""
        b, n = self.b, self.n
        self.first = n.product(images, "joined")
        self.many = least(b, n("joined"), b.sub(n("images"), self.first))
        source = self.place(self.first, group, d, h, w)
        self.each = b.mul(self.height, self.width)
        self.read(source, n("channels"))
        self.total = self.begins()
        self.repeated(self.places, self.total)
        low = n.product(part, "part")
        high = least(b, b.add(low, n("part")), n("results"))
        n.each(n.three("step_out")[:2], lambda d, h: self.residues(d, h, low, high))

    def residues(self, d: ir.Value, h: ir.Value, low: ir.Value, high: ir.Value) -> None:
        """The results of residues modulo the steps; those along the last axis, between one another, make one row."""
        b, n, along = self.b, self.n, self.n("step_out.w")
        narrow, left = self.width, b.sub(n("target.w"), b.mul(self.box[2], along))
        self.job, self.image, self.step = [d, h, constant(0)], self.first, constant(1)
        self.across = b.mul(self.width, along)
        self.width = least(b, self.across, left)
        self.lines()
        start, line, odd = self.start, constant(width(self.bits)), stack(b, I1)
        self.width = narrow
        short = self.short(along)

        def panel(o: ir.Value, _: list[Any]) -> list[Any]:
            b.store(b.not_(short), odd)
            with b.if_then(short):
                n.each((along,), lambda w: self.scatter((d, h, w), o, high, odd))
            with b.if_then(b.load(odd, typ=I1)):
                n.each((along,), lambda w: self.residue((d, h, w), o, high))
                n.each((self.many,), lambda i: self.stored(i, o, least(b, line, b.sub(high, o)), start))
            return []

        stepped(b, low, high, line, panel)

    def short(self, along: ir.Value) -> ir.Value:
        """Whether results are put one by one, as rows are short: then where is written down, residue by residue."""
        b, n, target = self.b, self.n, self.n.three("target")
        deep = n.inside(self.spot[0], target[0])
        few = b.icmp_signed("<", target[2], constant(SHORT))
        short = b.and_(b.and_(few, b.not_(self.flat)), b.icmp_signed("==", n("marks"), constant(0)))
        image, line = n.product("groups", "results", n.volume("target")), constant(width(self.bits))

        def residue(w: ir.Value) -> None:
            pairs = self.pairs(w)
            cleared(b, pairs)

            def place(i: ir.Value, r: ir.Value, k: ir.Value) -> None:
                row = b.add(self.spot[1], n.product(r, "step_out.h"))
                column = b.add(b.add(self.spot[2], w), b.mul(k, along))
                to = b.add(b.mul(i, image), n.flat((self.spot[0], row, column), target))
                there = b.and_(deep, b.and_(n.inside(row, target[1]), n.inside(column, target[2])))
                source = b.mul(n.flat((i, r, k), (i, self.height, self.width)), line)
                paired(b, pairs, source, to, there)

            n.each((self.many, self.height, self.width), place)

        with b.if_then(short):
            n.each((along,), residue)
        return short

    def scatter(self, job: tuple[ir.Value, ...], o: ir.Value, high: ir.Value, odd: ir.Value) -> None:
        """A panel of results of one residue, put one by one; if any is infinite or NaN, all come once more."""
        b, n, wide, lanes = self.b, self.n, width(self.bits), self.lanes
        half = self.summed(job, o, high)
        some_ = b.icmp_signed("!=", half, constant(0))
        count = b.select(some_, *[constant(v * lanes) for v in (halved(wide // lanes), wide // lanes)])

        def place(i: ir.Value, held: list[Any]) -> list[Any]:
            def one(j: ir.Value, held: list[Any]) -> list[Any]:
                x = vector(b, self.sums, b.add(b.mul(i, constant(wide)), j), self.t, lanes)
                return [b.fadd(held[0], b.fsub(x, x))]

            return counted(b, constant(0), count, lanes, one, held)

        (nothing,) = counted(b, constant(0), self.total, 1, place, [ir.Constant(ir.VectorType(self.t, lanes), None)])
        broken = some(b, b.fcmp_unordered("uno", nothing, nothing))
        b.store(b.or_(b.load(odd, typ=I1), broken), odd)
        size, many = n.volume("target"), least(b, constant(wide), b.sub(high, o))
        own = n.product(b.add(n.product(self.first, "groups"), self.group), "results")
        out = at(b, self.out, b.mul(b.add(own, o), size), self.t)
        b.call(self.panels.scattered, [self.sums, self.pairs(job[2]), out, size, many])

    def pairs(self, w: ir.Value) -> ir.Value:
        """The pairs of a residue along the last axis."""
        return at(self.b, self.aims, self.b.mul(self.n.product(w, "pitch"), constant(2)), I32)

    def residue(self, job: tuple[ir.Value, ...], o: ir.Value, high: ir.Value) -> None:
        """A panel of results of one residue, turned."""
        b, n, along = self.b, self.n, self.n("step_out.w")
        self.summed(job, o, high)
        to = at(b, self.turned, job[2], self.t)
        b.call(self.panels.turned, [self.sums, self.total, to, n.product("pitch", along), along])

    def summed(self, job: tuple[ir.Value, ...], o: ir.Value, high: ir.Value) -> ir.Value:
        """A panel of results of one residue; whether half a line of them is there."""
        b, n, line = self.b, self.n, constant(width(self.bits))
        here, all_ = n.flat(job, n.three("step_out")), n.product("channels", n.volume("window"))
        first = load(b, self.starts, here)
        terms = b.sub(load(b, self.starts, b.add(here, constant(1))), first)
        own = b.add(n.product(self.group, parts(n)), b.sdiv(o, line))
        fresh = b.icmp_signed("!=", n("fresh"), constant(0))
        weights = b.select(fresh, self.line, at(b, self.laid, b.mul(b.add(b.mul(own, all_), first), line), self.t))
        with b.if_then(fresh):
            b.call(self.panels.line, [self.numbers, self.buffers, self.group, o, first, terms, weights])
        half = b.zext(b.icmp_signed("<=", b.sub(high, o), constant(width(self.bits) // 2)), I64)
        passed = [weights, at(b, self.table, first, I32), self.origin, self.places, self.total, terms, n("depth")]
        b.call(self.panels.panels, [*passed, self.sums, constant(0), half])
        return half

    def stored(self, i: ir.Value, o: ir.Value, many: ir.Value, start: ir.Value) -> None:
        """Store the results of image i."""
        b, n = self.b, self.n
        self.image, self.seen = b.add(self.first, i), at(b, self.origin, b.mul(i, self.between), self.t)
        self.start = at(b, start, n.product(i, "groups", "results", n.volume("target")), self.t)
        self.rows = at(b, self.turned, n.product(i, self.each, "step_out.w"), self.t)
        self.singles = Singles(self, constant(0))
        n.each((many,), lambda k: self.store(b.add(o, k), n.product(k, "step_out.w")))
