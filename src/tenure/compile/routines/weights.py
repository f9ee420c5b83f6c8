"""Gradients of the weights of a convolution by panels: the places of a block are terms, elements of weights are places.

An item is some results by some channels, over a share of the images. The results of a block are laid out line by line;
each element of a window reads the images from a place of its own. The shares are added in order at the end.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.code import I8, I32, I64, POINTER, TASK, at, least, load, started, store
from tenure.compile.routines.dense import Reading
from tenure.compile.routines.dense import parts as panels_of
from tenure.compile.routines.panels import emit_laid, emit_panels
from tenure.compile.routines.results import Calls
from tenure.compile.routines.singles import emit_parts
from tenure.compile.routines.tiles import stepped, vector
from tenure.compile.transpose import in_registers
from tenure.ops.cuts import LINE
from tenure.ops.panels import width


class Panels(NamedTuple):
    """The functions of panels."""

    panels: ir.Function
    laid: ir.Function


def emit(module: ir.Module, name: str, bits: int, lanes: int, calls: Calls) -> tuple[ir.Function, ir.Function]:
    """The tasks of the sums, and of what they come to."""
    panels = Panels(*[emit(module, f"{name}.{emit.__name__}", bits, lanes) for emit in (emit_panels, emit_laid)])
    made = []
    for what, of in (("sums", Sums), ("ends", Ends)):
        function, b = started(module, f"{name}.{what}", TASK)
        buffers, numbers = (load(b, function.args[0], k, POINTER) for k in range(2))
        block = of(b, numbers, buffers, bits, lanes, calls)
        block.panels = panels
        emit_parts(block, block.counts())
        made.append(function)
    return made[0], made[1]


class Kept(Reading):
    """The code of what is added up: lines of results, for each share, panel, strip of channels and element of these."""

    panels: Panels

    def slices(self) -> ir.Value:
        """The strips of channels."""
        n = self.n
        return n.parts(n("channels"), n("strip"))

    def padded(self) -> ir.Value:
        """Elements of a strip, and a few behind them."""
        n = self.n
        return self.b.add(n.product("strip", n.volume("window")), constant(LINE))

    def held(self, share: ir.Value, group: ir.Value, panel: ir.Value, strip: ir.Value) -> ir.Value:
        """The address of the sums of a share, of a panel by a strip."""
        n = self.n
        sizes = share, n("groups"), panels_of(n), self.slices()
        place = n.product(n.flat((share, group, panel, strip), sizes), self.padded(), constant(width(self.bits)))
        return at(self.b, n.room(self.all, "turned"), place, self.t)

    def of_strip(self, strip: ir.Value) -> None:
        """The first channel of a strip, and the elements of it."""
        b, n = self.b, self.n
        self.channel = n.product(strip, "strip")
        self.deep = least(b, n("strip"), b.sub(n("channels"), self.channel))
        self.elements = n.product(self.deep, n.volume("window"))

    def piece(self, piece: ir.Value) -> ir.Value:
        """The room of a piece of the work."""
        n = self.n
        return at(self.b, n.room(self.all, "pieces_at"), n.product(piece, "piece"), I8)

    def put(self, first: ir.Value, second: ir.Value, group: ir.Value, low: ir.Value, many: ir.Value) -> None:
        """Add the shares of results by a strip, and put them where they belong."""
        b, n = self.b, self.n
        counted(b, constant(0), self.elements, self.lanes, lambda k, _: self.several(first, second, k))

        def row(i: ir.Value) -> None:
            own = n.product(b.add(b.add(n.product(group, "results"), low), i), "channels", n.volume("window"))
            place = at(b, self.out, b.add(own, n.product(self.channel, n.volume("window"))), self.t)

            def single(k: ir.Value) -> ir.Value:
                weight = b.add(n.product(self.channel, n.volume("window")), k)
                return b.call(self.single, [self.numbers, self.buffers, group, b.add(low, i), weight])

            self.ended(at(b, self.rows, b.mul(i, self.padded()), self.t), place, self.elements, single)

        n.each((many,), row)

    def several(self, first: ir.Value, second: ir.Value, k: ir.Value) -> list[Any]:
        """Add the shares of a few elements, and turn them."""
        b, n, lanes, line = self.b, self.n, self.lanes, width(self.bits)
        stride = b.sdiv(b.sub(b.ptrtoint(second, I64), b.ptrtoint(first, I64)), constant(self.bits // 8))

        def share(half: int, s: ir.Value, held: list[Any]) -> list[Any]:
            start = at(b, first, b.add(b.mul(s, stride), b.mul(k, constant(line))), self.t)
            xs = [vector(b, start, i * line + half, self.t, lanes) for i in range(lanes)]
            return [b.fadd(x, y) for x, y in zip(held, xs, strict=True)]

        zero = ir.Constant(ir.VectorType(self.t, lanes), None)
        for half in range(0, line, lanes):
            found = counted(b, constant(0), n("shares"), 1, partial(share, half), [zero] * lanes)
            for i, x in enumerate(in_registers(b, found)):
                place = b.add(b.mul(self.padded(), constant(half + i)), k)
                b.store(x, at(b, self.rows, place, self.t), align=4)
        return []


class Sums(Kept):
    """The code of an item."""

    def counts(self) -> list[ir.Value]:
        """The items: shares, groups, strips and parts."""
        n = self.n
        return [n("shares"), n("groups"), self.slices(), n.parts(n("results"), n("part"))]

    def rooms(self, piece: ir.Value) -> None:
        """Rows of a panel, sums, where windows begin, where elements of them are, lines of results, what is copied."""
        b, n = self.b, self.n
        self.rows, self.alone = self.piece(piece), b.icmp_signed("==", n("shares"), constant(1))
        self.sums = at(b, self.rows, b.mul(self.padded(), constant(width(self.bits))), self.t)
        own = b.select(self.alone, b.mul(self.padded(), n("part")), constant(0))
        self.places = at(b, self.sums, own, self.t)
        self.taps = at(b, self.places, n("pitch"), self.t)
        self.laid = at(b, self.taps, self.padded(), self.t)
        self.lists = at(b, self.laid, n.product("part", "pitch"), self.t)
        self.copied = self.behind_lists()
        self.before = stack(b, I64)

    def emit(self, share: ir.Value, group: ir.Value, strip: ir.Value, part: ir.Value) -> None:
        """Add up."""
        b, n = self.b, self.n
        self.own, self.line = (share, group, strip), constant(width(self.bits))
        self.of_strip(strip)
        self.low = n.product(part, "part")
        self.high = least(b, b.add(self.low, n("part")), n("results"))
        self.table()
        b.store(constant(0), self.before)
        images = n.parts(n("images"), n("joined"))
        ends = [b.sdiv(b.mul(images, k), n("shares")) for k in (share, b.add(share, constant(1)))]
        boxes = [n.parts(*x) for x in zip(n.three("counts"), n.three("block"), strict=True)]

        def some_images(i: ir.Value, _: list[Any]) -> list[Any]:
            n.each(boxes, lambda *box: self.block(i, *box))
            return []

        counted(b, ends[0], ends[1], 1, some_images)
        with b.if_then(b.icmp_signed("==", b.load(self.before, typ=I64), constant(0))):
            self.panel_by_panel(lambda o, half, own: self.clear(own))
        with b.if_then(self.alone):

            def put(o: ir.Value, half: ir.Value, own: ir.Value) -> None:
                self.put(own, own, group, o, least(b, self.line, b.sub(self.high, o)))

            self.panel_by_panel(put)

    def table(self) -> None:
        """Fill the table of the elements of a window, for all channels."""
        b, n = self.b, self.n
        source = n.room(self.all, "starts")

        def one(k: ir.Value, _: list[Any]) -> list[Any]:
            store(b, load(b, source, k, I32), self.taps, k)
            return []

        counted(b, constant(0), self.elements, 1, one)
        self.repeated(self.taps, self.elements)

    def clear(self, own: ir.Value) -> None:
        """Nothing at all has been added up."""

        def one(k: ir.Value, _: list[Any]) -> list[Any]:
            store(self.b, ir.Constant(self.t, 0.0), own, k)
            return []

        counted(self.b, constant(0), self.b.mul(self.elements, self.line), 1, one)

    def panel_by_panel(self, body: Any) -> None:
        """``body`` of the first result of a panel, whether half of it is wanted, and its sums."""
        b = self.b
        share, group, strip = self.own

        def one(o: ir.Value, _: list[Any]) -> list[Any]:
            half = b.zext(b.icmp_signed("<=", b.sub(self.high, o), constant(width(self.bits) // 2)), I64)
            own = at(b, self.sums, b.mul(b.sub(o, self.low), self.padded()), self.t)
            body(o, half, b.select(self.alone, own, self.held(share, group, b.sdiv(o, self.line), strip)))
            return []

        stepped(b, self.low, self.high, self.line, one)

    def block(self, images: ir.Value, d: ir.Value, h: ir.Value, w: ir.Value) -> None:
        """Add a block of an image, or of a few."""
        b, n = self.b, self.n
        first = n.product(images, "joined")
        self.many = least(b, n("joined"), b.sub(n("images"), first))
        source = self.place(first, self.own[1], d, h, w)
        self.read(at(b, source, n.product(self.channel, n.volume("source")), self.t), self.deep)
        total = self.begins()
        n.each((self.many,), lambda i: self.lay(b.add(first, i), n.product(i, self.height, self.width)))

        def panel(o: ir.Value, half: ir.Value, own: ir.Value) -> None:
            line = at(b, self.laid, n.product(b.sub(o, self.low), "pitch"), self.t)
            passed = [line, self.places, self.origin, self.taps, self.elements, total, n("depth"), own]
            b.call(self.panels.panels, [*passed, b.load(self.before, typ=I64), half])

        self.panel_by_panel(panel)
        b.store(constant(1), self.before)

    def lay(self, image: ir.Value, start: ir.Value) -> None:
        """Lay out the results of an image, from a line on."""
        b, n = self.b, self.n
        size, target = n.volume("target"), n.three("target")
        flat = b.icmp_signed("==", self.width, target[2])
        rows = b.select(flat, constant(1), self.height)
        count = b.select(flat, b.mul(self.height, self.width), self.width)
        own = n.product(b.add(n.product(image, "groups"), self.own[1]), "results")

        def panel(o: ir.Value, half: ir.Value, _: ir.Value) -> None:
            result, many = b.add(own, o), least(b, self.line, b.sub(self.high, o))

            def row(r: ir.Value) -> None:
                index = (result, self.box[0], b.add(self.box[1], r), self.box[2])
                source = at(b, self.weights, n.flat(index, (result, *target)), self.t)
                line = b.mul(b.add(start, b.mul(r, self.width)), self.line)
                line = b.add(n.product(b.sub(o, self.low), "pitch"), line)
                b.call(self.panels.laid, [source, size, many, count, at(b, self.laid, line, self.t)])

            n.each((rows,), row)

        self.panel_by_panel(panel)


class Ends(Kept):
    """The code of what the sums come to."""

    def counts(self) -> list[ir.Value]:
        """The items: groups and panels."""
        return [self.n("groups"), panels_of(self.n)]

    def rooms(self, piece: ir.Value) -> None:
        """Rows of a panel."""
        self.rows = self.piece(piece)

    def emit(self, group: ir.Value, panel: ir.Value) -> None:
        """Add the shares of a panel, strip by strip."""
        b, n = self.b, self.n
        low = n.product(panel, constant(width(self.bits)))
        many = least(b, constant(width(self.bits)), b.sub(n("results"), low))

        def strip(s: ir.Value) -> None:
            self.of_strip(s)
            first, second = (self.held(constant(k), group, panel, s) for k in range(2))
            self.put(first, second, group, low, many)

        n.each((self.slices(),), strip)
