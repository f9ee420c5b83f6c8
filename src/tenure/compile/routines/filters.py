"""Gradients of the weights of a convolution: sums over images and places, a few channels an item (``ops.tiling``).

    buffers  images, results, gradient, room
    numbers  those of ``ops.tiling.ALL``

An item goes over images and blocks in order. Of a block the channels are copied (``blocks``), and the results of a few
filters, with zeros where a row goes on in the copy; both then lie behind one another, and ``tiles`` sums over them.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.jit import engine
from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines import weights
from tenure.compile.routines.blocks import Numbers, emit_tables
from tenure.compile.routines.code import (
    I1,
    I64,
    POINTER,
    TASK,
    at,
    least,
    load,
    share,
    some,
    splat,
    started,
    store,
)
from tenure.compile.routines.copies import emit_copy
from tenure.compile.routines.results import Calls
from tenure.compile.routines.singles import emit_parts, split, total
from tenure.compile.routines.tiles import REALS, chosen, emit_sums, vector
from tenure.ops.cuts import QUAD, SLACK, SPATIAL

BYTES = 32
"""Bytes of the lanes in which is added up, whatever a processor has."""


def emit(module: ir.Module, name: str, bits: int) -> None:
    """Add the routine for elements of so many bits."""
    lanes = engine().target.vector_bits // bits
    tables = emit_tables(module, f"{name}.tables", bits)
    copy, single = emit_copy(module, f"{name}.copy", bits, lanes), emit_single(module, f"{name}.single", bits)
    sums = emit_sums(module, f"{name}.sums", bits, 8 * BYTES // bits)
    items = emit_items(module, f"{name}.items", bits, (copy, sums, single))
    panels = weights.emit(module, f"{name}.panels", bits, lanes, Calls(copy, single))
    function = ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    buffers, numbers = function.args
    n = Numbers(b, numbers, bits)
    b.call(tables, [numbers, load(b, buffers, 3, POINTER), n("strip")])
    context = stack(b, ir.ArrayType(POINTER, 2))
    for k, x in enumerate(function.args):
        store(b, x, context, k)
    with b.if_else(b.icmp_signed("!=", n("tiled"), constant(0))) as (tiled, plain):
        with tiled:
            share(b, panels[0], context, n("pieces"))
            with b.if_then(b.icmp_signed(">", n("shares"), constant(1))):
                share(b, panels[1], context, n("pieces"))
        with plain:
            share(b, items, context, n("pieces"))
    b.ret(constant(0))


def emit_items(module: ir.Module, name: str, bits: int, calls: tuple[Any, ...]) -> ir.Function:
    """The task of pieces of the work: channels and filters."""
    function, b = started(module, name, TASK)
    context = function.args[0]
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    made = Item(b, numbers, buffers, bits, 8 * BYTES // bits)
    made.copy, made.sums, made.single = calls
    n = made.n
    counts = [n("groups"), n.parts(n("channels"), n("strip")), n.parts(n("results"), n("part"))]
    emit_parts(made, counts)
    return function


class Item:
    """The code of some filters' gradient by some channels."""

    copy: ir.Function
    single: ir.Function
    sums: Any

    def __init__(self, b: ir.IRBuilder, numbers: ir.Value, buffers: ir.Value, bits: int, lanes: int) -> None:
        self.b, self.n, self.lanes, self.bits, self.t = b, Numbers(b, numbers, bits), lanes, bits, REALS[bits]
        self.numbers, self.buffers = numbers, buffers
        self.images, self.given, self.out, self.all = (load(b, buffers, k, POINTER) for k in range(4))
        self.table = self.n.room(self.all, "starts")

    def rooms(self, piece: ir.Value) -> None:
        """The room of a piece: what a block reads, and rows of results. What is never written there is zero."""
        b, n = self.b, self.n
        self.seen = at(b, n.room(self.all, "pieces_at"), n.product(piece, "piece"), ir.IntType(8))
        size = b.add(n.product("strip", "channel"), constant(SLACK))
        self.rows = at(b, self.seen, size, self.t)
        rows = b.add(n.product("pitch", b.add(n("chunk"), constant(1))), n("channel"))
        self.lists = at(b, self.rows, rows, self.t)
        self.clear(self.seen, size)

    def clear(self, start: ir.Value, count: ir.Value) -> None:
        """Zero elements."""
        zero = ir.Constant(self.t, 0.0)

        def one(k: ir.Value, _: list[Any]) -> list[Any]:
            store(self.b, zero, start, k)
            return []

        counted(self.b, constant(0), count, 1, one)

    def emit(self, group: ir.Value, strip: ir.Value, part: ir.Value) -> None:
        """Compute the gradient of the filters of a part by the channels of a strip."""
        b, n = self.b, self.n
        self.group, self.channel = group, n.product(strip, "strip")
        self.count = least(b, n("strip"), b.sub(n("channels"), self.channel))
        self.low = n.product(part, "part")
        self.high = least(b, b.add(self.low, n("part")), n("results"))
        self.terms = n.product(self.count, n.volume("window"))
        self.whole = n.product("channels", n.volume("window"))
        first = b.mul(n.product(group, "results"), self.whole)
        self.place = at(b, self.out, b.add(first, n.product(self.channel, n.volume("window"))), self.t)

        def filter_of(o: ir.Value, body: Any) -> list[Any]:
            body(o, at(b, self.place, b.mul(o, self.whole), self.t))
            return []

        counted(b, self.low, self.high, 1, lambda o, _: filter_of(o, lambda o, place: self.clear(place, self.terms)))
        boxes = [n.parts(*x) for x in zip(n.three("counts"), n.three("block"), strict=True)]
        n.each([n("images"), *boxes], self.block)
        counted(b, self.low, self.high, 1, lambda o, _: filter_of(o, self.mend))

    def copied(self, image: ir.Value, d: ir.Value, h: ir.Value, w: ir.Value) -> None:
        """Copy a block of an image."""
        b, n = self.b, self.n
        self.image = image
        self.box = [d, n.product(h, "block.h"), n.product(w, "block.w")]
        sizes = zip(n.three("counts"), self.box, n.three("block"), strict=True)
        self.height, self.width = [least(b, b.sub(count, x), size) for count, x, size in sizes][1:]
        own = b.add(n.product(b.add(n.product(image, "groups"), self.group), "channels"), self.channel)
        start = at(b, self.images, n.product(own, n.volume("source")), self.t)
        b.call(self.copy, [self.numbers, start, self.seen, constant(1), self.count, *self.box, self.lists])

    def block(self, image: ir.Value, d: ir.Value, h: ir.Value, w: ir.Value) -> None:
        """Add what a block of an image comes to."""
        b, n = self.b, self.n
        self.copied(image, d, h, w)
        count = b.mul(self.height, n("extent.w"))

        def some_filters(o: ir.Value, _: list[Any]) -> list[Any]:
            many = least(b, constant(QUAD), b.sub(self.high, o))
            n.each((many, self.height), lambda i, r: self.row(b.add(o, i), i, r))
            tail = at(b, self.rows, count, self.t)
            n.each((many,), lambda i: self.clear(at(b, tail, n.product(i, "pitch"), self.t), constant(self.lanes)))
            place = at(b, self.place, b.mul(o, self.whole), self.t)
            passed = [self.rows, self.table, self.seen, self.terms, place, self.whole, count, n("pitch")]
            chosen(b, many, lambda m: b.call(self.sums[m - 1], passed))
            return []

        counted(b, self.low, self.high, QUAD, some_filters)

    def row(self, o: ir.Value, i: ir.Value, r: ir.Value) -> None:
        """Copy a row of results; zeros behind it."""
        b, n = self.b, self.n
        own = b.add(n.product(b.add(n.product(self.image, "groups"), self.group), "results"), o)
        target = n.three("target")
        index = (own, self.box[0], b.add(self.box[1], r), self.box[2])
        source = at(b, self.given, n.flat(index, (own, *target)), self.t)
        here = at(b, self.rows, b.add(n.product(i, "pitch"), n.product(r, "extent.w")), self.t)
        wide = ir.VectorType(self.t, self.lanes)

        def several(k: ir.Value, _: list[Any]) -> list[Any]:
            b.store(b.load(at(b, source, k, self.t), typ=wide, align=4), at(b, here, k, self.t), align=4)
            return []

        def one(k: ir.Value, _: list[Any]) -> list[Any]:
            store(b, load(b, source, k, self.t), here, k)
            return []

        whole = b.sub(self.width, b.srem(self.width, constant(self.lanes)))
        counted(b, constant(0), whole, self.lanes, several)
        counted(b, whole, self.width, 1, one)
        self.clear(at(b, here, self.width, self.t), b.sub(n("extent.w"), self.width))

    def mend(self, o: ir.Value, place: ir.Value) -> None:
        """Compute anew what is not finite, or zero where marks are asked for."""
        b, n = self.b, self.n
        marks = b.trunc(n("marks"), I1)
        words = ir.VectorType(ir.IntType(self.bits), self.lanes)

        def odd(x: ir.Value, marks: ir.Value) -> ir.Value:
            nothing = b.fsub(x, x)
            zero = b.and_(b.fcmp_ordered("==", x, ir.Constant(x.type, None)), marks)
            return b.or_(b.fcmp_unordered("uno", nothing, nothing), zero)

        def several(e: ir.Value, held: list[Any]) -> list[Any]:
            found = odd(vector(b, place, e, self.t, self.lanes), splat(b, marks, self.lanes))
            return [b.or_(held[0], b.sext(found, words))]

        def one(e: ir.Value, _: list[Any]) -> list[Any]:
            with b.if_then(odd(load(b, place, e, self.t), marks), likely=False):
                term = b.add(e, n.product(self.channel, n.volume("window")))
                store(b, b.call(self.single, [self.numbers, self.buffers, self.group, o, term]), place, e)
            return []

        zero = ir.Constant(words, None)
        whole = b.sub(self.terms, b.and_(self.terms, constant(self.lanes - 1)))
        (found,) = counted(b, constant(0), whole, self.lanes, several, [zero])
        fine = b.icmp_signed("==", found, zero)
        counted(b, b.select(some(b, b.not_(fine)), constant(0), whole), self.terms, 1, one)


def emit_single(module: ir.Module, name: str, bits: int) -> ir.Function:
    """real single(numbers, buffers, group, filter, number of the weight): of a gradient of weights."""
    t = REALS[bits]
    function, b = started(module, name, ir.FunctionType(t, [POINTER, POINTER, *[I64] * 3]))
    start, buffers, group, o, weight = function.args
    n = Numbers(b, start, bits)
    x, y = (load(b, buffers, k, POINTER) for k in range(2))
    source, target = n.three("source"), n.three("target")
    channel, *tap = split(b, weight, n.three("window"))

    def term(e: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
        image, *place = split(b, e, target)
        own = n.product(image, "groups")
        spots, there = [], I1(1)
        for q, k, size, axis in zip(place, tap, source, SPATIAL, strict=True):
            spot = b.sub(b.add(n.product(q, f"step_in.{axis}"), n.product(k, f"gap.{axis}")), n(f"lows.{axis}"))
            spots.append(spot)
            there = b.and_(there, n.inside(spot, size))
        left = b.add(n.product(b.add(own, group), "channels"), channel)
        right = b.add(n.product(b.add(own, group), "results"), o)
        here, there_ = n.flat((left, *spots), (left, *source)), n.flat((right, *place), (right, *target))
        return at(b, x, here, t), at(b, y, there_, t), there

    total(n, n.product("images", *target), term)
    return function


