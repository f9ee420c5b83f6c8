"""Common code of the routines of convolution: their numbers, the copy of what a block reads, its table of offsets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted
from tenure.compile.routines.code import I1, I8, I32, I64, POINTER, VOID, at, larger, least, load, started, store
from tenure.compile.routines.tiles import REALS, number
from tenure.ops.cuts import SPATIAL
from tenure.ops.tiling import ALL

INDEX = {name: k for k, name in enumerate(ALL)}
COPY = ir.FunctionType(VOID, [POINTER, POINTER, POINTER, I64, I64, I64, I64, I64])
ROW = ir.FunctionType(VOID, [POINTER, I64, POINTER, *[I64] * 6])
Three = tuple[ir.Value, ir.Value, ir.Value]


class Numbers:
    """The numbers of a routine in its code: loaded once, at the function's entry."""

    def __init__(self, b: ir.IRBuilder, start: ir.Value, bits: int) -> None:
        self.b, self.start, self.bits, self.t = b, start, bits, REALS[bits]
        self.held: dict[str, ir.Value] = {}

    def __call__(self, name: str) -> ir.Value:
        if name not in self.held:
            with self.b.goto_entry_block():
                self.held[name] = load(self.b, self.start, INDEX[name])
        return self.held[name]

    def three(self, name: str) -> Three:
        """The numbers of the three axes."""
        d, h, w = (self(f"{name}.{axis}") for axis in SPATIAL)
        return d, h, w

    def product(self, *xs: ir.Value | str) -> ir.Value:
        """A product of numbers."""
        found: ir.Value = constant(1)
        for x in xs:
            found = self.b.mul(found, self(x) if isinstance(x, str) else x)
        return found

    def volume(self, name: str) -> ir.Value:
        """The product of the numbers of the three axes."""
        names = [f"{name}.{axis}" for axis in SPATIAL]
        if name not in self.held:
            given = [self(x) for x in names]
            with self.b.goto_entry_block():
                self.held[name] = self.product(*given)
        return self.held[name]

    def parts(self, n: ir.Value, size: ir.Value) -> ir.Value:
        """The number of parts of a size."""
        return self.b.sdiv(self.b.sub(self.b.add(n, size), constant(1)), size)

    def inside(self, i: ir.Value, n: ir.Value) -> ir.Value:
        """Whether 0 ≤ i < n."""
        return self.b.icmp_unsigned("<", i, n)

    def flat(self, index: Sequence[ir.Value], sizes: Sequence[ir.Value]) -> ir.Value:
        """The place of an index in C order."""
        found: ir.Value = constant(0)
        for i, n in zip(index, sizes, strict=True):
            found = self.b.add(self.b.mul(found, n), i)
        return found

    def each(self, ends: Sequence[ir.Value], body: Callable[..., None]) -> None:
        """``body`` for every index below ends."""
        over(self.b, ends, body)

    def room(self, start: ir.Value, name: str) -> ir.Value:
        """A part of the room."""
        return at(self.b, start, self(name), I8)


def over(b: ir.IRBuilder, ends: Sequence[ir.Value], body: Callable[..., None], *index: ir.Value) -> None:
    """Nested loops."""
    if not ends:
        body(*index)
        return

    def one(i: ir.Value, _: list[Any]) -> list[Any]:
        over(b, ends[1:], body, *index, i)
        return []

    counted(b, constant(0), ends[0], 1, one)


def unselected(t: ir.Type) -> ir.Constant:
    """−0.0."""
    return ir.Constant(t, -0.0)


def emit_copy(module: ir.Module, name: str, bits: int, lanes: int) -> ir.Function:
    """void copy(numbers, image, room, images that are woven, channels, and three: where the block begins): plane by
    plane, row by row."""
    function, b = started(module, name, COPY)
    start, image, target, many, channels, *box = function.args
    n = Numbers(b, start, bits)
    row = emit_row(module, f"{name}.row", bits, lanes)
    several = n("woven"), many, n.product("groups", "channels", n.volume("source"))
    steps, apart, shifts = (n.three(x) for x in ("step_in", "apart", "shift"))
    source, extent, planes = n.three("source"), n.three("extent"), n.three("planes")
    origin = [b.add(b.mul(p, s), k) for p, s, k in zip(box, steps, shifts, strict=True)]
    size, area, line = n.volume("source"), n.product(*source[1:]), source[2]

    def plane(fw: ir.Value) -> None:
        first = b.add(origin[2], fw)
        ends = within(n, first, apart[2], line, extent[2])

        def rows(c: ir.Value, fd: ir.Value, fh: ir.Value, hd: ir.Value) -> None:
            i, j = (b.add(o, f) for o, f in zip(origin, (fd, fh), strict=False))
            i = b.add(i, b.mul(hd, apart[0]))
            deep = n.inside(i, source[0])
            channel = b.add(b.mul(c, size), b.mul(i, area))
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


def emit_tables(module: ir.Module, name: str, bits: int) -> ir.Function:
    """void tables(numbers, room, channels): for each residue of results the offsets of its terms, channel by channel,
    behind all of them the places of their weights, and where each residue's begin."""
    function, b = started(module, name, ir.FunctionType(VOID, [POINTER, POINTER, I64]))
    start, room, channels = function.args
    n = Numbers(b, start, bits)
    table, starts = n.room(room, "starts"), room
    store(b, constant(0), starts, 0)
    outs = n.three("step_out")

    def job(fd: ir.Value, fh: ir.Value, fw: ir.Value) -> None:
        here = n.flat((fd, fh, fw), outs)
        place = at(b, starts, b.add(here, constant(1)))
        b.store(load(b, starts, here), place)

        first, size = load(b, starts, here), n.product(channels, n.volume("window"))

        def put(e: ir.Value, offset: ir.Value, weight: ir.Value) -> None:
            b.store(b.trunc(offset, I32), at(b, table, e, I32))
            b.store(b.trunc(weight, I32), at(b, table, b.add(size, e), I32))

        def entry(*tap: ir.Value) -> None:
            offset, fits = tap_of(n, tap, (fd, fh, fw))
            with b.if_then(fits):
                e = b.load(place, typ=I64)
                put(e, n.product(offset, "woven"), n.flat(tap, n.three("window")))
                b.store(b.add(e, constant(1)), place)

        def again(c: ir.Value, k: ir.Value) -> None:
            e, own, other = b.load(place, typ=I64), number(b, table, b.add(first, k)), b.add(size, b.add(first, k))
            put(e, b.add(own, n.product(c, "channel")), b.add(number(b, table, other), n.product(c, "by_channel")))
            b.store(b.add(e, constant(1)), place)

        with b.if_then(b.icmp_signed(">", channels, constant(0))):
            n.each(n.three("window"), entry)
            taps = b.sub(b.load(place, typ=I64), first)
            n.each((b.sub(channels, constant(1)), taps), lambda c, k: again(b.add(c, constant(1)), k))

    n.each(outs, job)
    b.ret_void()
    return function


def tap_of(n: Numbers, tap: Sequence[ir.Value], job: Sequence[ir.Value]) -> tuple[ir.Value, ir.Value]:
    """The offset of an element of a window in a channel, and whether it is one of a residue's."""
    b, fits = n.b, I1(1)
    planes, places = [], []
    ahead = b.icmp_signed(">", n("sign"), constant(0))
    for k, f, axis in zip(tap, job, SPATIAL, strict=True):
        far, apart, step = n.product(k, f"gap.{axis}"), n(f"apart.{axis}"), n(f"step_out.{axis}")
        back = b.sub(b.add(f, n(f"lows.{axis}")), far)
        plane = b.select(ahead, b.srem(far, apart), constant(0))
        place = b.select(ahead, b.sdiv(far, apart), b.add(n(f"base.{axis}"), b.sdiv(back, step)))
        planes.append(plane)
        places.append(place)
        fits = b.and_(fits, b.or_(ahead, b.icmp_signed("==", b.srem(back, step), constant(0))))
    return n.flat((*planes, *places), (*n.three("planes"), *n.three("extent"))), fits
