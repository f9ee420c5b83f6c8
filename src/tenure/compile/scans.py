"""Scans, in an order that depends on the length of the axis alone.

    for each 8 rows: h0 … h7 = neutral                   for each 8 vectors of columns: h0 … h7 = neutral
        for k: h0 = h0 + x0[k]; y0[k] = h0; …                for k: h0 = h0 + x[k, 0 …]; y[k, 0 …] = h0; …

Spans of SPAN elements are scanned from the neutral element on; a result is what comes of the spans before, combined
with what comes of its own. What comes of the spans before is one chain over their totals. A recurrence goes through a
span from what comes before it; its total is the result from 0 on, and the product of the factors.

A chain waits for each of its steps, so that 8 go side by side: rows, spans of one row, or vectors of columns. Of rows
8 by 8 elements are loaded by rows, turned in registers, computed with all rows in one vector, and turned back.
``ops.spans`` says the same in NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from llvmlite import ir

from tenure.compile.combine import Combine, same
from tenure.compile.element_types import in_memory
from tenure.compile.nests import constant, counted, guarded, least
from tenure.compile.plan import instruction
from tenure.compile.stored import lying
from tenure.dtypes import DType
from tenure.ops.lowering import Scan
from tenure.ops.order import SPAN, extent
from tenure.ops.spans import inside

if TYPE_CHECKING:
    from tenure.compile.body import Body

CHAINS = 8
"""Chains side by side."""
Held = list[list[Any]]


class Chain(NamedTuple):
    """A row, a column or a vector of columns: the place of its first element, how many there are, and the place of its
    span among the totals."""

    start: ir.Value
    count: ir.Value
    spot: ir.Value
    width: int = 1


class Extents(NamedTuple):
    """The axes of the operands, made three: those before, the one that is scanned, and those behind, if any."""

    outer: ir.Value
    n: ir.Value
    inner: ir.Value | None


class Scans:
    """The loops of one scan over contiguous operands ``xs``, of which ``onward`` takes a start for each span more."""

    def __init__(
        self,
        b: ir.IRBuilder,
        lower: Scan,
        dtype: DType,
        extents: Extents,
        bits: int,
        reverse: bool = False,
        exclusive: bool = False,
    ) -> None:
        self.b, self.part, self.exclusive, self.reverse = b, lower.part, exclusive, reverse
        self.outer, self.n, self.inner = extents
        wide = inside(dtype, lower.operation)
        self.recurs = lower.operation == "recurrence"
        self.combine = Combine(b, "add" if self.recurs else lower.operation, wide)
        self.memory, self.wide = in_memory(dtype), in_memory(wide)
        self.align, self.align_wide = dtype.itemsize, wide.itemsize
        self.width = max(bits // (8 * wide.itemsize), 2)
        self.spans = parts(b, self.n, SPAN)
        self.parted = lower.part in ("totals", "onward")
        self.units = times(b, self.outer, self.spans) if self.parted else self.outer

    # -- what is shared out

    def items(self) -> ir.Value:
        """Groups of rows, or strips of columns of each block."""
        if self.inner is None:
            return parts(self.b, self.units, CHAINS)
        return times(self.b, self.units, parts(self.b, self.inner, CHAINS * self.width))

    def emit(self, first: ir.Value, last: ir.Value, xs: Sequence[ir.Value], out: ir.Value) -> None:
        """The items from one on to another."""
        self.out, self.starts = out, xs[-1]
        self.xs = xs[:-1] if self.part == "onward" else xs

        def item(i: ir.Value, _: list[Any]) -> list[Any]:
            if self.inner is None:
                self.rows(self.b.mul(i, constant(CHAINS)))
            else:
                strips = parts(self.b, self.inner, CHAINS * self.width)
                self.strip(self.b.udiv(i, strips), self.b.urem(i, strips), self.inner)
            return []

        counted(self.b, first, last, 1, item)

    def rows(self, first: ir.Value) -> None:
        """Some rows side by side, or one after the other where there are fewer."""
        b = self.b
        last = b.add(first, constant(CHAINS))
        full = b.icmp_signed("<=", last, self.units)

        def together(_: Any) -> list[Any]:
            self.chains([self.chain(b.add(first, constant(k))) for k in range(CHAINS)])
            return []

        def single(u: ir.Value, _: list[Any]) -> list[Any]:
            self.chains([self.chain(u)])
            return []

        known = size_of(self.units)
        if known is None or known >= CHAINS:
            guarded(b, full, [], together)
        if known is None or known % CHAINS:
            counted(b, b.select(full, self.units, first), self.units, 1, single)

    def strip(self, unit: ir.Value, number: ir.Value, inner: ir.Value) -> None:
        """The columns of a strip: vectors side by side, one after the other where there are fewer, and single ones."""
        b, width = self.b, self.width
        first = b.mul(number, constant(CHAINS * width))
        stop = least(b, b.add(first, constant(CHAINS * width)), inner)
        full = b.icmp_signed("==", b.sub(stop, first), constant(CHAINS * width))

        def together(_: Any) -> list[Any]:
            columns = [b.add(first, constant(k * width)) for k in range(CHAINS)]
            self.chains([self.chain(unit, c, width) for c in columns])
            return []

        known = size_of(inner)
        if known is None or known >= CHAINS * width:
            guarded(b, full, [], together)
        if known is not None and known % (CHAINS * width) == 0:
            return
        rest = b.select(full, stop, first)
        whole = b.add(rest, b.and_(b.sub(stop, rest), constant(-width)))
        ends = [(rest, whole, width)] if known is None or known >= width else []
        for start, end, step in (*ends, *([(whole, stop, 1)] if known is None or known % width else [])):

            def single(c: ir.Value, _: list[Any], step: int = step) -> list[Any]:
                self.chains([self.chain(unit, c, step)])
                return []

            counted(b, start, end, step, single)

    def chain(self, unit: ir.Value, column: ir.Value | None = None, width: int = 1) -> Chain:
        """The chain of a row, or of columns from one on."""
        b, count, start, row = self.b, self.n, constant(0), unit
        if self.parted:
            row = b.udiv(unit, self.spans)
            start = b.mul(b.urem(unit, self.spans), constant(SPAN))
            count = least(b, b.sub(self.n, start), constant(SPAN))
        if self.reverse:
            start = b.sub(b.sub(self.n, constant(1)), start)
        place, spot = b.add(b.mul(row, self.n), start), unit
        if self.inner is not None:
            place, spot = (b.add(b.mul(k, self.inner), column) for k in (place, spot))
        return Chain(place, count, spot, width)

    # -- chains

    def chains(self, chains: list[Chain]) -> None:
        """All of some chains."""
        lone = isinstance(self.n, ir.Constant) and self.n.constant <= SPAN
        if self.part == "whole" and not lone:
            self.spans_of(chains)
            return
        held = [[self.start(c)] for c in chains]
        starts: list[Any] = [None] * len(chains)
        if self.part == "onward":
            starts = [self.fetch(self.starts, c.spot, c.width, self.wide) for c in chains]
            held = [[start] for start in starts] if self.recurs else held
        count = chains[0].count
        for c in chains[1:] if self.inner is None else ():
            count = least(self.b, count, c.count)
        held = self.steps(chains, constant(0), count, held, starts)
        if self.parted and self.inner is None and len(chains) > 1:
            for k, c in enumerate(chains):
                held[k] = self.steps([c], count, c.count, [held[k]], [starts[k]])[0]
        if self.part == "totals":
            for c, (total,) in zip(chains, held, strict=True):
                self.put(total, self.out, c.spot, self.wide)

    def spans_of(self, chains: list[Chain]) -> None:
        """Span after span, with what comes of those before."""

        def span(first: ir.Value, starts: list[Any]) -> list[Any]:
            last = least(self.b, self.b.add(first, constant(SPAN)), self.n)
            held = [[self.start(c)] for c in chains]
            if self.recurs:
                ones = [self.number(1.0, c) for c in chains]
                held = [[start, one, h] for start, one, (h,) in zip(starts, ones, held, strict=True)]
            held = self.steps(chains, first, last, held, starts)
            if self.recurs:
                return [self.step([start], total)[0] for start, (_, *total) in zip(starts, held, strict=True)]
            return [self.combine.serial([start, h]) for start, (h,) in zip(starts, held, strict=True)]

        counted(self.b, constant(0), self.n, SPAN, span, [self.start(c) for c in chains])

    def steps(self, chains: list[Chain], first: ir.Value, last: ir.Value, held: Held, starts: list[Any]) -> Held:
        """The elements from one on to another of each chain: of rows in squares, as far as these go."""
        if self.inner is not None or len(chains) < CHAINS:
            return self.one_by_one(chains, first, last, held, starts)
        b = self.b
        stop = b.add(first, b.and_(b.sub(last, first), constant(-CHAINS)))
        packed = [self.packed(xs) for xs in zip(*held, strict=True)]
        before = None if starts[0] is None else self.packed(starts)
        packed = counted(b, first, stop, CHAINS, lambda k, carried: self.square(chains, k, carried, before), packed)
        lanes = [[b.extract_element(x, lane(k)) for x in packed] for k in range(CHAINS)]
        return self.one_by_one(chains, stop, last, lanes, starts)

    def square(self, chains: list[Chain], k: ir.Value, held: list[Any], before: Any) -> list[Any]:
        """So many elements of as many rows: read and written by rows, and computed with all rows side by side."""
        b, wide = self.b, ir.VectorType(self.memory, CHAINS)
        away = b.sub(constant(1 - CHAINS), k) if self.reverse else k
        places = [b.add(c.start, away) for c in chains]
        loaded = [[self.b.load(self.at(x, at), typ=wide, align=self.align) for at in places] for x in self.xs]
        columns = [self.turned(rows) for rows in loaded]
        found = []
        for n in range(CHAINS):
            n = CHAINS - 1 - n if self.reverse else n
            after = self.step(held, [self.widened(rows[n]) for rows in columns])
            h = (held if self.exclusive else after)[0]
            found.append(self.narrowed(h if before is None or self.recurs else self.combine.serial([before, h])))
            held = after
        if self.part != "totals":
            for row, at in zip(self.turned(found[::-1] if self.reverse else found), places, strict=True):
                b.store(row, self.at(self.out, at), align=self.align)
        return held

    def turned(self, rows: list[Any]) -> list[Any]:
        """The columns of a square: blocks beside the diagonal exchanged, of one element, then of two, …"""
        rows, size = list(rows), 1
        while size < CHAINS:
            low = [k if k & size == 0 else CHAINS + k - size for k in range(CHAINS)]
            high = [k + size if k & size == 0 else CHAINS + k for k in range(CHAINS)]
            for k in [k for k in range(CHAINS) if k & size == 0]:
                pair = rows[k], rows[k + size]
                rows[k], rows[k + size] = (self.b.shuffle_vector(*pair, lanes(order)) for order in (low, high))
            size *= 2
        return rows

    def packed(self, xs: Sequence[Any]) -> Any:
        """Scalars as the lanes of a vector."""
        out: Any = ir.Constant(ir.VectorType(xs[0].type, len(xs)), ir.Undefined)
        for k, x in enumerate(xs):
            out = self.b.insert_element(out, x, lane(k))
        return out

    def one_by_one(
        self, chains: list[Chain], first: ir.Value, last: ir.Value, held: Held, starts: list[Any]
    ) -> Held:
        """The elements from one on to another of each chain, one after the other."""
        b, size = self.b, len(held[0])
        stride = constant(1) if self.inner is None else self.inner
        stride = b.sub(constant(0), stride) if self.reverse else stride

        def element(k: ir.Value, carried: list[Any]) -> list[Any]:
            found: list[Any] = []
            away = b.mul(k, stride)
            for n, c in enumerate(chains):
                at, before = b.add(c.start, away), carried[n * size : (n + 1) * size]
                xs = [self.fetch(x, at, c.width, self.memory) for x in self.xs]
                after = self.step(before, xs)
                if self.part != "totals":
                    h = (before if self.exclusive else after)[0]
                    y = h if self.recurs or starts[n] is None else self.combine.serial([starts[n], h])
                    self.put(y, self.out, at, self.memory)
                found += after
            return found

        out = counted(b, first, last, 1, element, [x for one in held for x in one])
        return [out[n * size : (n + 1) * size] for n in range(len(chains))]

    def step(self, held: list[Any], xs: Sequence[Any]) -> list[Any]:
        """One element more: of a recurrence the result, then, if they are held, what the span's total is made of."""
        if not self.recurs:
            return [self.combine.serial([held[0], xs[0]])]
        b, (a, x) = self.b, xs
        first = b.fadd(b.fmul(a, held[0]), x)
        return [first, b.fmul(a, held[1]), b.fadd(b.fmul(a, held[2]), x)] if len(held) > 1 else [first]

    # -- elements

    def start(self, c: Chain) -> ir.Constant:
        """The element that changes no other."""
        return self.number(self.combine.neutral, c)

    def number(self, x: float, c: Chain) -> ir.Constant:
        """A number in every lane."""
        return same(self.lanes(self.wide, c.width), x)

    def lanes(self, t: ir.Type, width: int) -> ir.Type:
        """A vector of a type, or the type."""
        return ir.VectorType(t, width) if width > 1 else t

    def at(self, pointer: ir.Value, k: ir.Value, t: ir.Type | None = None) -> ir.Value:
        """The address of an element."""
        return self.b.gep(pointer, [k], source_etype=t or self.memory)

    def fetch(self, pointer: ir.Value, at: ir.Value, width: int, t: ir.Type) -> ir.Value:
        """Elements in memory, as they are computed with."""
        align = self.align if t == self.memory else self.align_wide
        return self.widened(self.b.load(self.at(pointer, at, t), typ=self.lanes(t, width), align=align))

    def put(self, x: ir.Value, pointer: ir.Value, at: ir.Value, t: ir.Type) -> None:
        """Store elements, rounded to a type."""
        align = self.align if t == self.memory else self.align_wide
        self.b.store(self.narrowed(x) if t == self.memory else x, self.at(pointer, at, t), align=align)

    def widened(self, x: ir.Value) -> ir.Value:
        """Elements as they are computed with."""
        t = like(x, self.wide)
        return x if x.type == t else self.b.fpext(x, t)

    def narrowed(self, x: ir.Value) -> ir.Value:
        """Elements rounded to the type in memory."""
        t = like(x, self.memory)
        return x if x.type == t else self.b.fptrunc(x, t)


def size_of(x: ir.Value) -> int | None:
    """A number, if it is known."""
    return x.constant if isinstance(x, ir.Constant) else None


def times(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """The product of two numbers."""
    if isinstance(x, ir.Constant) and isinstance(y, ir.Constant):
        return constant(x.constant * y.constant)
    return b.mul(x, y)


def parts(b: ir.IRBuilder, x: ir.Value, size: int) -> ir.Value:
    """The number of parts of some size, the last of which may be smaller."""
    if isinstance(x, ir.Constant):
        return constant(-(-x.constant // size))
    return b.udiv(b.add(x, constant(size - 1)), constant(size))


def like(x: ir.Value, t: ir.Type) -> ir.Type:
    """A type with as many lanes as a value has."""
    return ir.VectorType(t, x.type.count) if isinstance(x.type, ir.VectorType) else t


def lane(k: int) -> ir.Constant:
    """The number of a lane."""
    return ir.Constant(ir.IntType(32), k)


def lanes(order: Sequence[int]) -> ir.Constant:
    """The numbers of lanes."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(order)), list(order))


def emit_scan(body: Body, v: int, lower: Scan) -> None:
    """The kernel of a scan in a program."""
    program = body.program
    at = instruction(program, v)
    x = program.aval(at.operands[0])
    if not x.size:
        return
    outer, n, inner = extent(x.shape, (at.params["axis"],))
    extents = Extents(constant(outer), constant(n), None if inner == 1 else constant(inner))
    ways = {k: way for k, way in at.params.items() if k != "axis"}
    scans = Scans(body.b, lower, x.dtype, extents, body.bits, **ways)
    body.items, body.work = scans.items().constant, COST * x.size
    xs = [body.pointer(o) for o in lying(program, at, body.plan.stored)]
    scans.emit(body.first, body.last, xs, body.pointer(v))


COST = 8
"""The time of an element, in that of an element copied."""
