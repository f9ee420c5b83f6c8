"""Convolution of images, and its transpose: block by block (``ops.tiling``), in tiles of registers (``tiles``).

    buffers  images, weights, result, room
    numbers  those of ``ops.tiling.ALL``

The weights of the transpose are laid out anew first. A block of images is copied (``blocks``); then for each residue of
results the tiles give rows of results, which are stored where they belong (``results``). What came out infinite, NaN,
or as a zero that may stand for nothing selected, is looked at once more (``singles``). Windows of 3 × 3 go another way
(``winograd``).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.jit import engine
from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines import columns, dense, winograd
from tenure.compile.routines.blocks import Numbers, emit_tables
from tenure.compile.routines.code import I8, I32, I64, POINTER, TASK, at, least, load, share, started, store
from tenure.compile.routines.results import Calls, Results
from tenure.compile.routines.singles import Singles, emit_parts
from tenure.compile.routines.tiles import chosen, number, stepped
from tenure.ops.cuts import LINE, SLACK


def emit(module: ir.Module, name: str, bits: int) -> None:
    """Add the routine for elements of so many bits."""
    lanes = engine().target.vector_bits // bits
    tables = emit_tables(module, f"{name}.tables", bits)
    calls = Calls.emitted(module, name, bits, lanes)
    turns, blocks = emit_turns(module, f"{name}.turns", bits), emit_blocks(module, f"{name}.blocks", bits, lanes, calls)
    tiled = winograd.emit(module, f"{name}.tiles", bits, lanes, calls)
    made = dense.Panels.emitted(module, f"{name}.dense", bits, lanes)
    panels = dense.emit(module, f"{name}.dense", bits, lanes, calls, made)
    added = columns.emit(module, f"{name}.columns", bits, lanes, calls, made)
    function = ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    buffers, numbers = function.args
    n = Numbers(b, numbers, bits)
    context = stack(b, ir.ArrayType(POINTER, 2))
    for k, x in enumerate(function.args):
        store(b, x, context, k)

    def way(k: int) -> None:
        room, turned = load(b, buffers, 3, POINTER), b.icmp_signed("!=", n("turned"), constant(0))
        if k == 3:
            columns.emit_offsets(n, room)
        elif k != 1:
            b.call(tables, [numbers, room, n("channels")])
        counts = (
            b.select(turned, n.parts(n("results"), constant(LINE)), constant(0)),
            n("results"),
            b.mul(dense.parts(n), b.sub(constant(1), n("fresh"))),
            columns.parts(n),
        )
        tasks = ((turns, blocks), tiled, panels, added)[k]
        share(b, tasks[0], context, n.product("groups", counts[k]))
        share(b, tasks[1], context, n("pieces"))

    chosen(b, b.add(n("tiled"), constant(1)), lambda k: way(k - 1), range(1, 5))
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

        def line(k: ir.Value, i: ir.Value) -> None:
            begin, row, skip = n.product(k, constant(LINE)), b.mul(i, count), n.product(i, "by_result")

            def element(e: ir.Value, _: list[Any]) -> list[Any]:
                x = load(b, source, b.add(number(b, places, e), skip), n.t)
                store(b, x, target, b.add(row, e))
                return []

            counted(b, begin, least(b, b.add(begin, constant(LINE)), count), 1, element)

        n.each((n.parts(count, constant(LINE)), many), line)
        return []

    counted(b, first, last, 1, one)
    b.ret_void()
    return function


def emit_blocks(module: ir.Module, name: str, bits: int, lanes: int, calls: Calls) -> ir.Function:
    """The task of pieces of the work: blocks one after the other."""
    function, b = started(module, name, TASK)
    context = function.args[0]
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    block = Block(b, numbers, buffers, bits, lanes, calls)
    n = block.n
    counts = [n.parts(n("images"), n("woven")), n("groups")]
    counts += [n.parts(*x) for x in zip(n.three("counts"), n.three("block"), strict=True)]
    counts.append(n.parts(n("results"), n("part")))
    emit_parts(block, counts)
    return function


class Block(Results):
    """The code of one block of results, by the definition."""

    def rooms(self, piece: ir.Value) -> None:
        """The room of a piece of the work: what a block reads, rows of results, places where anything is selected."""
        b, n = self.b, self.n
        self.starts, self.table = self.all, n.room(self.all, "starts")
        turned = b.icmp_signed("!=", n("turned"), constant(0))
        self.laid = b.select(turned, n.room(self.all, "turned"), self.weights)
        start = at(b, n.room(self.all, "pieces_at"), n.product(piece, "piece"), I8)
        self.copied, self.direct = start, b.icmp_signed("!=", n("direct"), constant(0))
        copied = b.select(self.direct, constant(0), n.product("channels", "channel"))
        self.rows = at(b, start, b.add(copied, constant(SLACK)), self.t)
        self.kept = at(b, self.rows, n.product("pitch", "chunk"), self.t)
        self.lists = at(b, self.kept, b.add(n("pitch"), n("channel")), self.t)

    def emit(self, images: ir.Value, group: ir.Value, d: ir.Value, h: ir.Value, w: ir.Value, part: ir.Value) -> None:
        """Compute a block."""
        b, n = self.b, self.n
        first = n.product(images, "woven")
        self.many = least(b, n("woven"), b.sub(n("images"), first))
        source = self.place(first, group, d, h, w)
        self.seen = b.select(self.direct, at(b, source, self.box[2], self.t), self.copied)
        with b.if_then(b.not_(self.direct)):
            b.call(self.copy, [self.numbers, source, self.copied, self.many, n("channels"), *self.box, self.lists])
        self.singles = Singles(self, constant(0))
        first = n.product(part, "part")
        self.low, self.high = first, least(b, b.add(first, n("part")), n("results"))
        n.each(n.three("step_out"), self.residue)

    def reached(self) -> ir.Value:
        return self.b.select(self.direct, self.width, self.n("channel"))

    def residue(self, *job: ir.Value) -> None:
        """The results of a residue modulo the step."""
        b, n = self.b, self.n
        self.job = job
        self.lines()
        here = n.flat(job, n.three("step_out"))
        self.first = load(b, self.starts, here)
        self.terms = b.sub(load(b, self.starts, b.add(here, constant(1))), self.first)
        row = n("extent.w")
        count = n.product(b.add(b.mul(b.sub(self.height, constant(1)), row), self.width), "woven")
        own = at(b, self.laid, b.add(n.product(self.group, "results", terms(n)), self.first), self.t)
        offsets = at(b, self.table, self.first, I32)

        def some_rows(o: ir.Value, _: list[Any]) -> list[Any]:
            many = least(b, n("chunk"), b.sub(self.high, o))
            rows = at(b, own, b.mul(o, terms(n)), self.t)
            passed = [rows, terms(n), offsets, self.seen, self.terms, n("depth"), self.rows]
            passed += [n("pitch"), count, many, constant(0)]
            b.call(self.strips, passed)
            n.each((self.many, many), lambda k, i: self.woven(k, b.add(o, i), i))
            return []

        stepped(b, self.low, self.high, n("chunk"), some_rows)

    def woven(self, k: ir.Value, o: ir.Value, i: ir.Value) -> None:
        """Store a result of image k of those that are woven."""
        b, n = self.b, self.n
        image, start, rows = self.image, self.start, self.rows
        self.image, self.lane = b.add(image, k), k
        self.start = at(b, start, n.product(k, "groups", "results", n.volume("target")), self.t)
        self.rows = at(b, rows, k, self.t)
        self.store(o, i)
        self.image, self.start, self.rows, self.lane = image, start, rows, constant(0)
