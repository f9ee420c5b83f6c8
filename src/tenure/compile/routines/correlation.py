"""Convolution of images, and its transpose: block by block (``ops.tiling``), in tiles of registers (``tiles``).

    buffers  images, weights, result, room
    numbers  those of ``ops.tiling.Form``

The weights of the transpose are laid out anew first. A block of images is copied (``blocks``); then for each residue of results the tiles give rows of results, which are
stored where they belong. What came out
infinite, NaN, or as a zero that may stand for nothing selected, is looked at once more (``singles``).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.jit import engine
from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.blocks import Numbers, emit_copy, emit_tables
from tenure.compile.routines.code import I32, I64, POINTER, TASK, at, larger, least, load, share, started, store
from tenure.compile.routines.code import some, splat
from tenure.compile.routines.singles import Singles, emit_single
from tenure.compile.routines.tiles import REALS, emit_strips, number, stepped, vector
from tenure.ops.tiling import LINE, SLACK


def emit(module: ir.Module, name: str, bits: int) -> None:
    """Add the routine for elements of so many bits."""
    lanes = engine().target.vector_bits // bits
    tables = emit_tables(module, f"{name}.tables", bits)
    turns, blocks = emit_turns(module, f"{name}.turns", bits), emit_blocks(module, f"{name}.blocks", bits, lanes)
    function = ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    buffers, numbers = function.args
    n = Numbers(b, numbers, bits)
    b.call(tables, [numbers, load(b, buffers, 3, POINTER), n("channels")])
    context = stack(b, ir.ArrayType(POINTER, 2))
    for k, x in enumerate(function.args):
        store(b, x, context, k)
    with b.if_then(b.icmp_signed("!=", n("turned"), constant(0))):
        share(b, turns, context, n.product("groups", n.parts(n("results"), constant(LINE))))
    share(b, blocks, context, n("pieces"))
    b.ret(constant(0))


def terms(n: Numbers) -> ir.Value:
    """The number of terms of all residues of results."""
    return n.product("channels", n.volume("window"))


def emit_turns(module: ir.Module, name: str, bits: int) -> ir.Function:
    """The task that lays out weights term by term for LINE results."""
    function, b = started(module, name, TASK)
    context, first, last = function.args
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    n = Numbers(b, numbers, bits)
    weights, room = load(b, buffers, 1, POINTER), load(b, buffers, 3, POINTER)
    count, each = terms(n), n.parts(n("results"), constant(LINE))
    places, panels = at(b, n.room(room, "starts"), count, I32), n.room(room, "turned")

    def one(item: ir.Value, _: list[Any]) -> list[Any]:
        group, low = b.sdiv(item, each), b.mul(b.srem(item, each), constant(LINE))
        own = n.product(group, "results", count)
        many = least(b, constant(LINE), b.sub(n("results"), low))
        source = at(b, weights, b.add(own, n.product(low, "by_result")), n.t)
        target = at(b, panels, b.add(own, b.mul(low, count)), n.t)

        def element(e: ir.Value, i: ir.Value) -> None:
            place = b.add(number(b, places, e), n.product(i, "by_result"))
            store(b, load(b, source, place, n.t), target, b.add(b.mul(i, count), e))

        n.each((count, many), element)
        return []

    counted(b, first, last, 1, one)
    b.ret_void()
    return function


def emit_blocks(module: ir.Module, name: str, bits: int, lanes: int) -> ir.Function:
    """The task of pieces of the work: blocks one after the other."""
    copy, strips = emit_copy(module, f"{name}.copy", bits, lanes), emit_strips(module, f"{name}.strips", bits, lanes)
    single = emit_single(module, f"{name}.single", bits)
    function, b = started(module, name, TASK)
    context, first, last = function.args
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    block = Block(b, numbers, buffers, bits, lanes)
    block.functions(copy, strips, single)
    n = block.n
    counts = [n("images"), n("groups"), *[n.parts(*x) for x in zip(n.three("count"), n.three("block"), strict=True)]]
    counts.append(n.parts(n("results"), n("part")))
    items = n.product(*counts)

    def piece(p: ir.Value, _: list[Any]) -> list[Any]:
        block.rooms(p)
        ends = [b.sdiv(b.mul(items, k), n("pieces")) for k in (p, b.add(p, constant(1)))]

        def one(item: ir.Value, _: list[Any]) -> list[Any]:
            index: list[ir.Value] = []
            for count in reversed(counts):
                index.append(b.srem(item, count))
                item = b.sdiv(item, count)
            block.emit(*index[::-1])
            return []

        counted(b, *ends, 1, one)
        return []

    counted(b, first, last, 1, piece)
    b.ret_void()
    return function


class Block:
    """The code of one block of results."""

    def __init__(self, b: ir.IRBuilder, numbers: ir.Value, buffers: ir.Value, bits: int, lanes: int) -> None:
        self.b, self.n, self.lanes, self.bits = b, Numbers(b, numbers, bits), lanes, bits
        self.numbers, self.buffers = numbers, buffers
        self.images, self.weights, self.out, self.all = (load(b, buffers, k, POINTER) for k in range(4))
        self.t = REALS[bits]
        n = self.n
        self.starts, self.table = self.all, n.room(self.all, "starts")
        turned = b.icmp_signed("!=", n("turned"), constant(0))
        self.laid = b.select(turned, n.room(self.all, "turned"), self.weights)

    def functions(self, copy: ir.Function, strips: ir.Function, single: ir.Function) -> None:
        """What it calls."""
        self.copy, self.strips, self.single = copy, strips, single

    def rooms(self, piece: ir.Value) -> None:
        """The room of a piece of the work: what a block reads, rows of results, places where anything is selected."""
        b, n = self.b, self.n
        start = at(b, n.room(self.all, "pieces_at"), n.product(piece, "piece"), ir.IntType(8))
        self.seen = start
        self.rows = at(b, start, b.add(n.product("channels", "channel"), constant(SLACK)), self.t)
        self.kept = at(b, self.rows, n.product("pitch", "chunk"), self.t)

    def emit(self, image: ir.Value, group: ir.Value, d: ir.Value, h: ir.Value, w: ir.Value, part: ir.Value) -> None:
        """Compute a block."""
        b, n = self.b, self.n
        self.image, self.group = image, group
        self.box = [d, n.product(h, "block.h"), n.product(w, "block.w")]
        sizes = zip(n.three("count"), self.box, n.three("block"), strict=True)
        self.height, self.width = [least(b, b.sub(count, x), size) for count, x, size in sizes][1:]
        own = b.add(n.product(image, "groups"), group)
        image_at = at(b, self.images, n.product(own, "channels", n.volume("source")), self.t)
        b.call(self.copy, [self.numbers, image_at, self.seen, n("channels"), *self.box])
        self.singles = Singles(self)
        first = n.product(part, "part")
        self.low, self.high = first, least(b, b.add(first, n("part")), n("results"))
        n.each(n.three("step_out"), self.residue)

    def residue(self, *job: ir.Value) -> None:
        """The results of a residue modulo the step."""
        b, n = self.b, self.n
        self.job = job
        here = n.flat(job, n.three("step_out"))
        self.start = load(b, self.starts, here)
        self.terms = b.sub(load(b, self.starts, b.add(here, constant(1))), self.start)
        row = n("extent.w")
        count = b.add(b.mul(b.sub(self.height, constant(1)), row), self.width)
        own = at(b, self.laid, b.add(n.product(self.group, "results", terms(n)), self.start), self.t)
        offsets = at(b, self.table, self.start, I32)

        def some_rows(o: ir.Value, _: list[Any]) -> list[Any]:
            many = least(b, n("chunk"), b.sub(self.high, o))
            rows = at(b, own, b.mul(o, terms(n)), self.t)
            passed = [rows, terms(n), offsets, self.seen, self.terms, n("depth"), self.rows, n("pitch"), count, many]
            b.call(self.strips, passed)
            n.each((many, self.height), lambda i, r: self.store(b.add(o, i), i, r))
            return []

        stepped(b, self.low, self.high, n("chunk"), some_rows)

    def store(self, o: ir.Value, i: ir.Value, r: ir.Value) -> None:
        """Store a row of results where it belongs."""
        b, n = self.b, self.n
        steps, offsets, target = n.three("step_out"), n.three("offset"), n.three("target")
        index = [self.box[0], b.add(self.box[1], r), self.box[2]]
        place = [
            b.add(b.add(b.mul(x, s), f), k) for x, s, f, k in zip(index, steps, self.job, offsets, strict=True)
        ]
        there = b.and_(n.inside(place[0], target[0]), n.inside(place[1], target[1]))
        with b.if_then(there):
            own = b.add(n.product(b.add(n.product(self.image, "groups"), self.group), "results"), o)
            line = at(b, self.out, n.flat((own, place[0], place[1], constant(0)), (own, *target)), self.t)
            source = at(b, self.rows, b.add(n.product(i, "pitch"), n.product(r, "extent.w")), self.t)
            first, step = place[2], steps[2]
            before = n.parts(larger(b, b.sub(constant(0), first), constant(0)), step)
            after = n.parts(larger(b, b.sub(target[2], first), constant(0)), step)
            ends = (before, least(b, after, self.width))
            found = self.moved(line, source, first, step, ends)
            with b.if_then(found, likely=False):
                self.singles.mend(line, o, r, place, step, ends)

    def moved(
        self, line: ir.Value, source: ir.Value, first: ir.Value, step: ir.Value, ends: tuple[ir.Value, ir.Value]
    ) -> ir.Value:
        """Move elements of a row to first, first + step, …; whether any is to be looked at."""
        b, n, words = self.b, self.n, ir.IntType(self.bits)
        marks = b.trunc(n("marks"), ir.IntType(1))

        def odd(x: ir.Value, count: int) -> ir.Value:
            nothing = b.fsub(x, x)
            zero = b.fcmp_ordered("==", x, ir.Constant(x.type, 0.0 if count == 1 else None))
            zero = b.and_(zero, marks if count == 1 else splat(b, marks, count))
            return b.or_(b.fcmp_unordered("uno", nothing, nothing), zero)

        def several(k: ir.Value, held: list[Any]) -> list[Any]:
            x = vector(b, source, k, self.t, self.lanes)
            b.store(x, at(b, line, b.add(first, k), self.t), align=4)
            return [b.or_(held[0], b.sext(odd(x, self.lanes), ir.VectorType(words, self.lanes)))]

        def one(k: ir.Value, held: list[Any]) -> list[Any]:
            x = load(b, source, k, self.t)
            store(b, x, line, b.add(first, b.mul(k, step)))
            return [b.or_(held[0], odd(x, 1))]

        wide = ir.VectorType(words, self.lanes)
        begin, end = ends[0], larger(b, *ends)
        whole = b.sub(end, b.srem(b.sub(end, begin), constant(self.lanes)))
        whole = b.select(b.icmp_signed("==", step, constant(1)), whole, begin)
        (lanes,) = counted(b, begin, whole, self.lanes, several, [ir.Constant(wide, None)])
        (last,) = counted(b, whole, end, 1, one, [ir.IntType(1)(0)])
        return b.or_(last, some(b, b.icmp_signed("!=", lanes, ir.Constant(wide, None))))
