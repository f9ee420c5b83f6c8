"""Convolution by windows of 3 × 3, in tiles of 2 × 2 results: 16 products a channel in place of 36.

Of a tile of 4 × 4 elements d and a window g the results are Aᵀ ((G g Gᵀ) · (Bᵀ d B)) A. The products are those of
matrices, one for each of the 16 places: weights by channels, which are computed once, and channels by tiles
(``tiles``).
The numbers of B and A are 0 and ±1, those of G also ½, so small whole numbers have exact results; else the error is
about twice that of a sum by the definition. What comes out infinite or NaN is computed by the definition
(``singles``), as a tile mixes all its elements.

Source: A. Lavin, S. Gray, Fast algorithms for convolutional neural networks, arXiv:1509.09308.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.blocks import Numbers
from tenure.compile.routines.code import I1, I8, I32, I64, POINTER, TASK, at, least, load, splat, started
from tenure.compile.routines.results import Calls, Results
from tenure.compile.routines.singles import Singles, emit_parts
from tenure.compile.routines.tiles import stepped, vector
from tenure.ops.cuts import SLACK, TILES

SIDE = 4
EIGHT = 8
"""Channels whose weights are computed at once."""
Grid = list[list[ir.Value]]
Column = Callable[[ir.IRBuilder, Sequence[ir.Value]], list[ir.Value]]


def elements(b: ir.IRBuilder, d: Sequence[ir.Value]) -> list[ir.Value]:
    """Bᵀ d."""
    return [b.fsub(d[0], d[2]), b.fadd(d[1], d[2]), b.fsub(d[2], d[1]), b.fsub(d[1], d[3])]


def weights(b: ir.IRBuilder, g: Sequence[ir.Value]) -> list[ir.Value]:
    """G g."""
    half = ir.Constant(g[0].type, 0.5 if not isinstance(g[0].type, ir.VectorType) else [0.5] * g[0].type.count)
    even, middle = b.fmul(b.fadd(g[0], g[2]), half), b.fmul(g[1], half)
    return [g[0], b.fadd(even, middle), b.fsub(even, middle), g[2]]


def results(b: ir.IRBuilder, m: Sequence[ir.Value]) -> list[ir.Value]:
    """Aᵀ m."""
    return [b.fadd(b.fadd(m[0], m[1]), m[2]), b.fsub(b.fsub(m[1], m[2]), m[3])]


def both(b: ir.IRBuilder, grid: Grid, column: Column) -> Grid:
    """A matrix applied to the columns of a grid and, transposed, to the rows of what that gives."""
    down = [list(row) for row in zip(*[column(b, x) for x in zip(*grid, strict=True)], strict=True)]
    return [column(b, row) for row in down]


def emit(module: ir.Module, name: str, bits: int, lanes: int, calls: Calls) -> tuple[ir.Function, ir.Function]:
    """The tasks that transform the weights of results, and that compute pieces of the work."""
    return emit_weights(module, f"{name}.weights", bits), emit_pieces(module, name, bits, lanes, calls)


def emit_weights(module: ir.Module, name: str, bits: int) -> ir.Function:
    """The task of the weights of results: several channels at once, then one by one."""
    function, b = started(module, name, TASK)
    context, first, last = function.args
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    n = Numbers(b, numbers, bits)
    given, room, channels = load(b, buffers, 1, POINTER), load(b, buffers, 3, POINTER), n("channels")
    table, target = n.room(room, "starts"), n.room(room, "turned")

    def one(item: ir.Value, _: list[Any]) -> list[Any]:
        group, o = b.sdiv(item, n("results")), b.srem(item, n("results"))
        start = b.add(n.product(group, "results", channels, constant(9)), n.product(o, "by_result"))
        source, out = at(b, given, start, n.t), at(b, target, b.mul(item, channels), n.t)
        whole = b.sub(channels, b.srem(channels, constant(EIGHT)))
        for ends, count in (((constant(0), whole), EIGHT), ((whole, channels), 1)):
            counted(b, ends[0], ends[1], count, partial(transformed, n, source, out, count))
        return []

    def offset(c: ir.Value, _: list[Any]) -> list[Any]:
        b.store(b.trunc(n.product(c, "pitch"), I32), at(b, table, c, I32))
        return []

    with b.if_then(b.icmp_signed("==", first, constant(0))):
        counted(b, constant(0), channels, 1, offset)
    counted(b, first, last, 1, one)
    b.ret_void()
    return function


def transformed(n: Numbers, source: ir.Value, out: ir.Value, count: int, c: ir.Value, _: list[Any]) -> list[Any]:
    """Transform the windows of so many channels."""
    b, turned = n.b, n.b.icmp_signed("<", n("sign"), constant(0))
    plane = n.product("groups", "results", "channels")
    starts = [at(b, source, n.product(b.add(c, constant(j)), "by_channel"), n.t) for j in range(count)]

    def tap(k: int) -> ir.Value:
        place = b.select(turned, constant(8 - k), constant(k))
        xs = [load(b, start, place, n.t) for start in starts]
        if count == 1:
            return xs[0]
        x: ir.Value = ir.Constant(ir.VectorType(n.t, count), ir.Undefined)
        for j, y in enumerate(xs):
            x = b.insert_element(x, y, ir.Constant(I32, j))
        return x

    found = both(b, [[tap(3 * i + j) for j in range(3)] for i in range(3)], weights)
    for k, x in enumerate([x for row in found for x in row]):
        b.store(x, at(b, out, b.add(c, b.mul(constant(k), plane)), n.t), align=4)
    return []


def emit_pieces(module: ir.Module, name: str, bits: int, lanes: int, calls: Calls) -> ir.Function:
    """The task of pieces of the work."""
    function, b = started(module, name, TASK)
    context = function.args[0]
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    block = Tiles(b, numbers, buffers, bits, lanes, calls)
    n = block.n
    counts = [n.parts(n("images"), n("joined")), n("groups")]
    counts += [n.parts(*x) for x in zip(n.three("counts"), n.three("block"), strict=True)]
    emit_parts(block, counts)
    return function


class Tiles(Results):
    """The code of one block of results, of one image or a few."""

    def rooms(self, piece: ir.Value) -> None:
        """The room of a piece: a channel as it is read, where anything is selected in each image, tiles of the channels
        and of results, rows of results."""
        b, n = self.b, self.n
        self.table, self.changed = n.room(self.all, "starts"), n.room(self.all, "turned")
        self.seen = at(b, n.room(self.all, "pieces_at"), n.product(piece, "piece"), I8)
        self.maps = at(b, self.seen, b.add(n("channel"), constant(SLACK)), self.t)
        self.tiles = at(b, self.maps, n.product("joined", "channel"), self.t)
        self.plane = n.product("channels", "pitch")
        self.sums = at(b, self.tiles, b.mul(constant(TILES), self.plane), self.t)
        self.rows = at(b, self.sums, n.product(constant(TILES), "chunk", "pitch"), self.t)
        self.any = stack(b, I64)

    def emit(self, images: ir.Value, group: ir.Value, d: ir.Value, h: ir.Value, w: ir.Value) -> None:
        """Compute a block."""
        b, n = self.b, self.n
        first = n.product(images, "joined")
        many = least(b, n("joined"), b.sub(n("images"), first))
        self.marks = b.icmp_signed("!=", n("marks"), constant(0))
        self.place(first, group, d, h, w)
        self.high, self.wide = n.parts(self.height, constant(2)), n.parts(self.width, constant(2))
        each = b.mul(self.high, self.wide)
        n.each((many,), lambda i: self.read(b.add(first, i), group, (d, h, w), i, b.mul(i, each)))

        def some_rows(o: ir.Value, _: list[Any]) -> list[Any]:
            rows = least(b, n("chunk"), b.sub(n("results"), o))

            def product(k: ir.Value) -> None:
                own = b.add(n.product(b.add(n.product(k, "groups"), group), "results"), o)
                left = at(b, self.changed, n.product(own, "channels"), self.t)
                tiles = at(b, self.tiles, b.mul(k, self.plane), self.t)
                out = at(b, self.sums, n.product(k, "chunk", "pitch"), self.t)
                passed = [left, n("channels"), self.table, tiles, n("channels"), n("depth"), out, n("pitch")]
                b.call(self.strips, [*passed, b.mul(many, each), rows, constant(0)])

            n.each((constant(TILES),), product)

            def write(i: ir.Value) -> None:
                self.place(b.add(first, i), group, d, h, w)
                self.lines()
                self.singles = Singles(self, constant(1))
                self.kept = at(b, self.maps, n.product(i, "channel"), self.t)
                self.dead = b.and_(self.marks, self.empty())
                n.each((rows,), lambda k: self.write(b.add(o, k), k, b.mul(i, each)))

            n.each((many,), write)
            return []

        stepped(b, constant(0), n("results"), n("chunk"), some_rows)

    def read(self, image: ir.Value, group: ir.Value, box: Sequence[ir.Value], i: ir.Value, start: ir.Value) -> None:
        """Transform the tiles of an image, channel by channel."""
        b, n = self.b, self.n
        channel = self.place(image, group, *box)
        kept = at(b, self.maps, n.product(i, "channel"), self.t)
        word = ir.IntType(self.bits)
        wide = ir.VectorType(word, self.lanes)
        sign = splat(b, word(-1 << (self.bits - 1)), self.lanes)

        def one(c: ir.Value) -> None:
            source = at(b, channel, n.product(c, n.volume("source")), self.t)
            b.call(self.copy, [self.numbers, source, self.seen, constant(1), constant(1), *self.box, self.seen])

            def note(p: ir.Value, _: list[Any]) -> list[Any]:
                x = b.xor(b.load(at(b, self.seen, p, word), typ=wide, align=4), sign)
                old = b.load(at(b, kept, p, word), typ=wide, align=4)
                old = b.select(b.icmp_signed("==", c, constant(0)), ir.Constant(wide, None), old)
                b.store(b.or_(old, x), at(b, kept, p, word), align=4)
                return []

            counted(b, constant(0), b.select(self.marks, n("channel"), constant(0)), self.lanes, note)
            target = at(b, self.tiles, b.add(n.product(c, "pitch"), start), self.t)

            def tiles(r: ir.Value) -> None:
                row = at(b, self.seen, b.mul(n.product(r, "extent.w"), constant(2)), self.t)
                out = at(b, target, b.mul(r, self.wide), self.t)
                lines = [at(b, row, n.product("extent.w", constant(i)), self.t) for i in range(SIDE)]
                outs = [at(b, out, b.mul(constant(i), self.plane), self.t) for i in range(TILES)]
                counted(b, constant(0), self.wide, self.lanes, lambda k, _: self.forth(lines, outs, k))

            n.each((self.high,), tiles)

        n.each((n("channels"),), one)

    def forth(self, lines: Sequence[ir.Value], outs: Sequence[ir.Value], k: ir.Value) -> list[Any]:
        """Transform a vector of tiles."""
        b, first = self.b, self.b.mul(k, constant(2))
        starts = [at(b, line, first, self.t) for line in lines]
        grid = [[*self.apart(start, 0), *self.apart(start, 2)] for start in starts]
        for i, values in enumerate(both(b, grid, elements)):
            for j, x in enumerate(values):
                b.store(x, at(b, outs[SIDE * i + j], k, self.t), align=4)
        return []

    def apart(self, line: ir.Value, first: int) -> list[ir.Value]:
        """Elements first, first + 2, …, and those behind each."""
        b, lanes = self.b, self.lanes
        x, y = (vector(b, line, first + k, self.t, lanes) for k in (0, lanes))
        index = ir.VectorType(I32, lanes)
        return [b.shuffle_vector(x, y, ir.Constant(index, list(range(k, 2 * lanes, 2)))) for k in (0, 1)]

    def write(self, o: ir.Value, row: ir.Value, start: ir.Value) -> None:
        """Give a result of an image, tile row by tile row."""
        b, n = self.b, self.n

        def tiles(r: ir.Value) -> None:
            source = at(b, self.sums, b.add(n.product(row, "pitch"), b.add(start, b.mul(r, self.wide))), self.t)
            sources = [at(b, source, n.product("chunk", "pitch", constant(i)), self.t) for i in range(TILES)]
            out = at(b, self.rows, b.mul(n.product(r, "across"), constant(2)), self.t)
            outs = [out, at(b, out, n("across"), self.t)]
            counted(b, constant(0), self.wide, self.lanes, lambda k, _: self.back(sources, outs, k))

        n.each((self.high,), tiles)
        self.store(o, constant(0))

    def back(self, sources: Sequence[ir.Value], outs: Sequence[ir.Value], k: ir.Value) -> list[Any]:
        """Give the results of a vector of tiles."""
        b, lanes = self.b, self.lanes
        found = [vector(b, source, k, self.t, lanes) for source in sources]
        grid = [found[SIDE * i : SIDE * i + SIDE] for i in range(SIDE)]
        index, first = ir.VectorType(I32, lanes), b.mul(k, constant(2))
        for out, (even, odd) in zip(outs, both(b, grid, results), strict=True):
            for half in (0, lanes // 2):
                order = [x for j in range(lanes // 2) for x in (j + half, j + half + lanes)]
                place = at(b, out, b.add(first, constant(2 * half)), self.t)
                b.store(b.shuffle_vector(even, odd, ir.Constant(index, order)), place, align=4)
        return []

    def empty(self) -> ir.Value:
        """Whether any window of an image sees no place at which a channel is selected."""
        b, n, word = self.b, self.n, ir.IntType(self.bits)

        def one(q: ir.Value, held: list[Any]) -> list[Any]:
            first = b.add(n.product(b.sdiv(q, self.width), "extent.w"), b.srem(q, self.width))
            seen: ir.Value = word(0)
            for row in range(3):
                start = b.add(first, n.product(constant(row), "extent.w"))
                for k in range(3):
                    seen = b.or_(seen, load(b, self.kept, b.add(start, constant(k)), word))
            return [b.or_(held[0], b.icmp_signed("==", seen, word(0)))]

        count = b.select(self.marks, b.mul(self.height, self.width), constant(0))
        (found,) = counted(b, constant(0), count, 1, one, [I1(0)])
        return found


