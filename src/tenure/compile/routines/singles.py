"""Results of a convolution one by one: by the definition, term by term, over the terms that there are.

A tile multiplies what lies around an image, and elements that are not selected (−0.0), as if they were zeros: that is
wrong beside an infinity or NaN alone, which the result then shows. A zero may stand for nothing selected, which is −0.0
again where marks are asked for: so say the places of a block at which any channel is selected.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.blocks import Numbers, tap_of, unselected
from tenure.compile.routines.code import I1, I64, POINTER, at, load, repeat, splat, started, store
from tenure.compile.routines.tiles import REALS, fused
from tenure.ops.cuts import SPATIAL

if TYPE_CHECKING:
    from tenure.compile.routines.results import Results


class Singles:
    """The code that looks at results of a block once more."""

    def __init__(self, block: Results, mapped: ir.Value) -> None:
        self.block, self.b, self.n = block, block.b, block.n
        self.mapped = stack(self.b, I64)
        self.b.store(mapped, self.mapped)

    def mend(self, line: ir.Value, o: ir.Value, r: ir.Value, h: ir.Value) -> None:
        """Compute anew what is not finite, and mark the zeros of a row for which nothing is selected."""
        b, n, block = self.b, self.n, self.block
        by_map = b.and_(b.icmp_signed("==", n("selects"), constant(1)), b.icmp_signed("!=", n("marks"), constant(0)))

        def one(k: ir.Value, _: list[Any]) -> list[Any]:
            q = b.add(block.spot[2], b.mul(k, block.step))
            x = load(b, line, q, block.t)
            nothing = b.fsub(x, x)
            broken = b.fcmp_unordered("uno", nothing, nothing)
            zero = b.or_(b.fcmp_ordered("==", x, ir.Constant(block.t, 0.0)), block.dead)
            with b.if_then(b.or_(broken, b.and_(zero, b.not_(by_map)))):
                place = block.spot[0], b.add(h, b.sdiv(q, n("target.w"))), b.srem(q, n("target.w"))
                passed = [block.numbers, block.buffers, block.image, block.group, o, *place]
                store(b, b.call(block.single, passed), line, q)
            with b.if_then(b.and_(zero, by_map)):
                found = self.selected(block.read_at(r, k))
                known = b.fadd(load(b, line, q, block.t), ir.Constant(block.t, 0.0))
                store(b, b.select(found, known, unselected(block.t)), line, q)
            return []

        counted(b, *block.ends, 1, one)

    def selected(self, place: ir.Value) -> ir.Value:
        """Whether any term of a result is selected."""
        b, n, block = self.b, self.n, self.block
        with b.if_then(b.icmp_signed("==", b.load(self.mapped, typ=I64), constant(0))):
            b.store(constant(1), self.mapped)
            self.map(ir.IntType(block.bits))
        word = ir.IntType(block.bits)
        found = stack(b, word)
        b.store(word(0), found)

        def tap(*index: ir.Value) -> None:
            offset, fits = tap_of(n, index, block.job)
            with b.if_then(fits):
                seen = load(b, block.kept, b.add(n.product(offset, "woven"), place), word)
                b.store(b.or_(b.load(found, typ=word), seen), found)

        n.each(n.three("window"), tap)
        return b.icmp_signed("!=", b.load(found, typ=word), word(0))

    def map(self, word: ir.Type) -> None:
        """The places at which any channel is selected."""
        b, n, block, lanes = self.b, self.n, self.block, self.block.lanes
        count = block.reached()

        def some(width: int, p: ir.Value, _: list[Any]) -> list[Any]:
            wide = ir.VectorType(word, width)
            sign = splat(b, word(-1 << (block.bits - 1)), width)

            def channel(c: ir.Value, held: list[Any]) -> list[Any]:
                x = b.load(at(b, block.seen, b.add(n.product(c, "channel"), p), word), typ=wide, align=4)
                return [b.or_(held[0], b.xor(x, sign))]

            (found,) = counted(b, constant(0), n("channels"), 1, channel, [ir.Constant(wide, None)])
            b.store(found, at(b, block.kept, p, word), align=4)
            return []

        whole = b.and_(count, constant(-lanes))
        counted(b, constant(0), whole, lanes, partial(some, lanes))
        counted(b, whole, count, 1, partial(some, 1))


def emit_single(module: ir.Module, name: str, bits: int) -> ir.Function:
    """real single(numbers, buffers, image, group, result, and the place on three axes): of a convolution or its
    transpose."""
    t = REALS[bits]
    function, b = started(module, name, ir.FunctionType(t, [POINTER, POINTER, *[I64] * 6]))
    start, buffers, image, group, o, *place = function.args
    n = Numbers(b, start, bits)
    x, w = (load(b, buffers, k, POINTER) for k in range(2))
    window, source = n.three("window"), n.three("source")
    count = n.product("channels", *window)
    own = n.product(b.add(n.product(image, "groups"), group), "channels")
    base = b.add(n.product(group, "results", count), n.product(o, "by_result"))

    def term(e: ir.Value) -> tuple[ir.Value, ir.Value, ir.Value]:
        c, *tap = split(b, e, window)
        spots, there = [], I1(1)
        for q, k, size, axis in zip(place, tap, source, SPATIAL, strict=True):
            far = b.mul(n("sign"), b.sub(n.product(k, f"gap.{axis}"), n(f"lows.{axis}")))
            far, step = b.add(n.product(q, f"step_in.{axis}"), far), n(f"step_out.{axis}")
            spot = b.sdiv(far, step)
            spots.append(spot)
            meets = b.and_(b.icmp_signed("==", b.mul(spot, step), far), n.inside(spot, size))
            there = b.and_(there, meets)
        here = n.flat((b.add(own, c), *spots), (own, *source))
        weight = b.add(b.add(base, n.product(c, "by_channel")), n.flat(tap, window))
        return at(b, x, here, t), at(b, w, weight, t), there

    total(n, count, term)
    return function


def split(b: ir.IRBuilder, e: ir.Value, sizes: Sequence[ir.Value]) -> list[ir.Value]:
    """The index of number e: what is left, and one below each size."""
    index: list[ir.Value] = []
    for size in reversed(sizes):
        index.append(b.srem(e, size))
        e = b.sdiv(e, size)
    return [e, *index[::-1]]


def emit_parts(block: Any, counts: Sequence[ir.Value]) -> None:
    """The body of a task: the parts of a product of ``counts``, one after the other, that each piece of the work has;
    ``block`` takes room for a piece, and emits the code of a part from its index."""
    b, n = block.b, block.n
    first, last = b.function.args[1:]
    items = n.product(*counts)

    def piece(p: ir.Value, _: list[Any]) -> list[Any]:
        block.rooms(p)
        begin, end = (b.sdiv(b.mul(items, k), n("pieces")) for k in (p, b.add(p, constant(1))))

        def one(item: ir.Value, _: list[Any]) -> list[Any]:
            block.emit(*split(b, item, counts)[1:])
            return []

        counted(b, begin, end, 1, one)
        return []

    counted(b, first, last, 1, piece)
    b.ret_void()


def total(n: Numbers, count: ir.Value, term: Any) -> None:
    """Return the sum of the terms that are there and selected, up to a NaN; −0.0 if there are none and marks are asked
    for."""
    b, t, word = n.b, n.t, ir.IntType(n.bits)

    def more(held: list[Any]) -> ir.Value:
        e, found, _ = held
        return b.and_(b.icmp_signed("<", e, count), b.fcmp_ordered("ord", found, found))

    def step(held: list[Any]) -> list[Any]:
        e, found, seen = held
        left, right, there = term(e)
        before, inside, after = b.block, b.append_basic_block("term"), b.append_basic_block("next")
        b.cbranch(there, inside, after)
        b.position_at_end(inside)
        chosen = I1(1)
        factors = []
        for bit, place in ((1, left), (2, right)):
            x = b.load(place, typ=word)
            none = b.icmp_signed("==", x, word(-1 << (n.bits - 1)))
            asked = b.icmp_signed("!=", b.and_(n("selects"), constant(bit)), constant(0))
            chosen = b.and_(chosen, b.not_(b.and_(none, asked)))
            factors.append(b.bitcast(x, t))
        ans, any_ = b.select(chosen, fused(b, factors[0], factors[1], found), found), b.or_(seen, chosen)
        b.branch(after)
        b.position_at_end(after)
        ans_, any__ = b.phi(t), b.phi(I1)
        for phi, old, new in ((ans_, found, ans), (any__, seen, any_)):
            phi.add_incoming(old, before)
            phi.add_incoming(new, inside)
        return [b.add(e, constant(1)), ans_, any__]

    _, found, seen = repeat(b, more, step, [constant(0), ir.Constant(t, 0.0), I1(0)])
    empty = b.and_(b.icmp_signed("!=", n("marks"), constant(0)), b.not_(seen))
    b.ret(b.select(empty, unselected(t), found))
