"""The copy of what a block of a convolution reads: row by row, or element by element where rows are short.

Short rows go by two lists: where each element of a channel comes from and goes to, and which are outside of the image.
They are made once for all channels of a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted
from tenure.compile.routines.blocks import Numbers, unselected
from tenure.compile.routines.code import I32, I64, POINTER, VOID, at, larger, least, load, started, store
from tenure.compile.routines.scattered import cleared, ended, pair, paired
from tenure.compile.routines.tiles import REALS

COPY = ir.FunctionType(VOID, [POINTER, POINTER, POINTER, *[I64] * 5, POINTER])
ROW = ir.FunctionType(VOID, [POINTER, I64, POINTER, *[I64] * 6])


def emit_copy(module: ir.Module, name: str, bits: int, lanes: int) -> ir.Function:
    """void copy(numbers, image, room, images that are woven, channels, three: where the block begins, room for lists):
    plane by plane, row by row."""
    function, b = started(module, name, COPY)
    start, image, target, many, channels, *box, _ = function.args
    n = Numbers(b, start, bits)
    with b.if_then(b.icmp_signed("!=", n("listed"), constant(0))):
        b.call(emit_listed(module, f"{name}.listed", bits), function.args)
        b.ret_void()
    row = emit_row(module, f"{name}.row", bits, lanes)
    several = n("woven"), many, n.product("groups", "channels", n.volume("source"))
    apart, spread = n.three("apart"), n.three("spread")
    source, extent, planes = n.three("source"), n.three("extent"), n.three("planes")
    origin, area, line = origin_of(n, box), n.product(*source[1:]), source[2]

    def plane(fw: ir.Value) -> None:
        first = b.add(origin[2], b.mul(fw, spread[2]))
        ends = within(n, first, apart[2], line, extent[2])

        def rows(c: ir.Value, fd: ir.Value, fh: ir.Value, hd: ir.Value) -> None:
            i, j = (b.add(o, b.mul(f, s)) for o, f, s in zip(origin, (fd, fh), spread, strict=False))
            i = b.add(i, b.mul(hd, apart[0]))
            deep = n.inside(i, source[0])
            channel = b.add(n.product(c, "source.d", area), b.mul(i, area))
            place = n.flat((fd, fh, fw, hd, constant(0)), (*planes, extent[0], extent[1]))
            to = at(b, target, b.add(n.product(c, "channel"), n.product(place, extent[2], "woven")), n.t)

            def one(hh: ir.Value, held: list[Any]) -> list[Any]:
                at_, out = held
                there = b.and_(deep, n.inside(at_, source[1]))
                begin, end = (b.select(there, x, constant(0)) for x in ends)
                spot = b.select(there, b.add(b.add(channel, b.mul(at_, line)), first), constant(0))
                b.call(row, [at(b, image, spot, n.t), apart[2], out, begin, end, extent[2], *several])
                return [b.add(at_, apart[1]), at(b, out, n.product(extent[2], "woven"), n.t)]

            counted(b, constant(0), extent[1], 1, one, [j, to])

        n.each((channels, planes[0], planes[1], extent[0]), rows)

    n.each((planes[2],), plane)
    b.ret_void()
    return function


def within(n: Numbers, first: ir.Value, step: ir.Value, width: ir.Value, count: ir.Value) -> tuple[ir.Value, ir.Value]:
    """The first k, and the one behind the last, for which first + k step lies in a row; below a count."""
    b, zero = n.b, constant(0)
    begin = least(b, n.parts(larger(b, b.sub(zero, first), zero), step), count)
    end = least(b, n.parts(larger(b, b.sub(width, first), zero), step), count)
    return begin, larger(b, begin, end)


def emit_row(module: ir.Module, name: str, bits: int, lanes: int) -> ir.Function:
    """void row(first element, step, target, begin, end, count, and of images that are woven: how many a block has, how
    many there are, elements from one to the next): elements from begin to end, −0.0 around them."""
    woven = emit_woven(module, f"{name}.woven", bits)
    function, b = started(module, name, ROW)
    image, step, target, begin, end, count = function.args[:6]
    with b.if_then(b.icmp_signed("!=", function.args[6], constant(1))):
        b.call(woven, function.args)
        b.ret_void()
    t = REALS[bits]
    wide = ir.VectorType(t, lanes)

    def fill(k: ir.Value, _: list[Any]) -> list[Any]:
        store(b, unselected(t), target, k)
        return []

    def one(k: ir.Value, _: list[Any]) -> list[Any]:
        store(b, load(b, image, b.mul(k, step), t), target, k)
        return []

    def dense(k: ir.Value, _: list[Any]) -> list[Any]:
        b.store(b.load(at(b, image, k, t), typ=wide, align=4), at(b, target, k, t), align=4)
        return []

    def second(k: ir.Value, _: list[Any]) -> list[Any]:
        b.store(every_second(b, at(b, image, b.mul(k, constant(2)), t), wide), at(b, target, k, t), align=4)
        return []

    counted(b, constant(0), begin, 1, fill)
    counted(b, end, count, 1, fill)
    long = b.icmp_signed(">=", b.sub(end, begin), constant(lanes))
    for size, vectors in ((1, dense), (2, second)):
        with b.if_then(b.and_(long, b.icmp_signed("==", step, constant(size)))):
            last = b.sub(end, constant(lanes))
            counted(b, begin, last, lanes, vectors)
            vectors(last, [])
            b.ret_void()
    counted(b, begin, end, 1, one)
    b.ret_void()
    return function


def every_second(b: ir.IRBuilder, start: ir.Value, wide: ir.Type) -> ir.Value:
    """Every second element, of two vectors that overlap, so that the last read is the last wanted."""
    lanes = wide.count
    x, y = (b.load(at(b, start, o, wide.element), typ=wide, align=4) for o in (0, lanes - 1))
    order = [*range(0, lanes, 2), *[lanes + 1 + 2 * j for j in range(lanes // 2)]]
    return b.shuffle_vector(x, y, ir.Constant(ir.VectorType(I32, lanes), order))


def emit_woven(module: ir.Module, name: str, bits: int) -> ir.Function:
    """A row of images that are woven, as ``emit_row``."""
    function, b = started(module, name, ROW)
    image, step, target, begin, end, count, woven, many, between = function.args
    t = REALS[bits]

    def fill(k: ir.Value, _: list[Any]) -> list[Any]:
        store(b, unselected(t), target, k)
        return []

    def element(k: ir.Value, _: list[Any]) -> list[Any]:
        source, out = at(b, image, b.mul(k, step), t), at(b, target, b.mul(k, woven), t)

        def one(j: ir.Value, held: list[Any]) -> list[Any]:
            store(b, load(b, held[0], 0, t), out, j)
            return [at(b, held[0], between, t)]

        counted(b, constant(0), many, 1, one, [source])
        return []

    counted(b, constant(0), b.mul(begin, woven), 1, fill)
    counted(b, b.mul(end, woven), b.mul(count, woven), 1, fill)
    counted(b, begin, end, 1, element)
    b.ret_void()
    return function


def origin_of(n: Numbers, box: Sequence[ir.Value]) -> list[ir.Value]:
    """The place in an image at which a block begins."""
    b, steps, shifts = n.b, n.three("step_in"), n.three("shift")
    return [b.add(b.mul(p, s), k) for p, s, k in zip(box, steps, shifts, strict=True)]


def emit_listed(module: ir.Module, name: str, bits: int) -> ir.Function:
    """The copy by lists, with the arguments of ``emit_copy``."""
    function, b = started(module, name, COPY)
    start, image, target, many, channels, *box, inside = function.args
    n = Numbers(b, start, bits)
    outside = at(b, inside, b.mul(b.add(n("channel"), constant(2)), constant(2)), I32)
    whole, size = n.product("groups", "channels", n.volume("source")), n.volume("source")
    write_lists(n, box, inside, outside)

    def channel(c: ir.Value, _: list[Any]) -> list[Any]:
        source, out = at(b, image, b.mul(c, size), n.t), at(b, target, n.product(c, "channel"), n.t)

        def each(pairs: ir.Value, count: ir.Value, body: Any) -> None:
            def one(p: ir.Value, _: list[Any]) -> list[Any]:
                from_, to = pair(b, pairs, p)
                with b.if_else(b.icmp_signed("==", n("woven"), constant(1))) as (alone, several):
                    with alone:
                        body(from_, to, constant(0))
                    with several:
                        n.each((count,), lambda j: body(from_, to, j))
                return []

            counted(b, constant(1), ended(b, pairs), 1, one)

        def put(from_: ir.Value, to: ir.Value, j: ir.Value) -> None:
            store(b, load(b, source, b.add(from_, b.mul(j, whole)), n.t), out, b.add(to, j))

        each(inside, many, put)
        each(outside, n("woven"), lambda from_, to, j: store(b, unselected(n.t), out, b.add(to, j)))
        return []

    counted(b, constant(0), channels, 1, channel)
    b.ret_void()
    return function


def write_lists(n: Numbers, box: Sequence[ir.Value], inside: ir.Value, outside: ir.Value) -> None:
    """Write the lists of the elements of a channel, those inside of the image and those outside."""
    b, origin = n.b, origin_of(n, box)
    source, extent, planes = n.three("source"), n.three("extent"), n.three("planes")
    for pairs in (inside, outside):
        cleared(b, pairs)

    def element(*index: ir.Value) -> None:
        steps = zip(origin, index[:3], n.three("spread"), index[3:], n.three("apart"), strict=True)
        spots = [b.add(o, b.add(b.mul(f, s), b.mul(h, a))) for o, f, s, h, a in steps]
        d, h, w = (n.inside(x, size) for x, size in zip(spots, source, strict=True))
        there, to = b.and_(d, b.and_(h, w)), n.product(n.flat(index, (*planes, *extent)), "woven")
        paired(b, inside, n.flat(spots, source), to, there)
        paired(b, outside, to, to, b.not_(there))

    n.each((*planes, *extent), element)
