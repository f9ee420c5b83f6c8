"""Common code of the routines of convolution: their numbers, the table of the offsets of what a block reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted
from tenure.compile.routines.code import I1, I8, I32, I64, POINTER, VOID, at, load, started, store
from tenure.compile.routines.tiles import REALS, number
from tenure.ops.cuts import SPATIAL
from tenure.ops.tiling import ALL

INDEX = {name: k for k, name in enumerate(ALL)}
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
        far, modulus, step = n.product(k, f"gap.{axis}"), n(f"modulus.{axis}"), n(f"step_out.{axis}")
        back = b.sub(b.add(f, n(f"lows.{axis}")), far)
        plane = b.select(ahead, b.sdiv(b.srem(far, modulus), n(f"spread.{axis}")), constant(0))
        place = b.select(ahead, b.sdiv(far, modulus), b.add(n(f"base.{axis}"), b.sdiv(back, step)))
        planes.append(plane)
        places.append(place)
        fits = b.and_(fits, b.or_(ahead, b.icmp_signed("==", b.srem(back, step), constant(0))))
    return n.flat((*planes, *places), (*n.three("planes"), *n.three("extent"))), fits
