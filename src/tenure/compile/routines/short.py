"""Order of few keys: of a short row by comparing every pair, and of the first places of any row."""

from __future__ import annotations

from functools import partial
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.code import I64, ROW, at, load, repeat, some, splat, started, store
from tenure.ops.order import FEW, SHORT

LANES, WIDTH = 8, 32
LONG = 32
"""Keys of 32 bits that are ranked together in a longer row: four vectors share what is loaded."""


def emit_ranks(module: ir.Module, name: str, t: ir.Type) -> ir.Function:
    """The order of a short row: each key's place is the number of keys before it."""
    ways = [(few, emit_blocks(module, f"{name}.{lanes}", t, lanes)) for few, lanes in blocks_of(t)]
    function, b = started(module, name, ROW)
    for few, way in ways:
        with b.if_then(b.icmp_signed("<=", function.args[1], constant(few))):
            b.call(way, function.args)
            b.ret_void()
    b.unreachable()
    return function


def blocks_of(t: ir.Type) -> tuple[tuple[int, int], ...]:
    """The lengths of rows, at most, and the keys of the blocks in which such a row is ranked."""
    wide = LONG * 32 // t.width
    return (2 * LANES, LANES), (SHORT, wide)


def emit_blocks(module: ir.Module, name: str, t: ir.Type, lanes: int) -> ir.Function:
    """The order of a short row, a block of keys at a time: every key of the row is compared with all of the block."""
    function, b = started(module, name, ROW)
    keys, n, start, length, out, _ = function.args
    row, ranks, order = (stack(b, ir.ArrayType(kind, SHORT)) for kind in (t, t, I64))
    last = ir.Constant(t, (1 << (t.width - 1)) - 1)
    whole = b.and_(b.add(n, constant(lanes - 1)), constant(-lanes))

    def pad(i: ir.Value, _: list[Any]) -> list[Any]:
        store(b, last, row, i)
        return []

    def take(i: ir.Value, _: list[Any]) -> list[Any]:
        store(b, load(b, keys, i, t), row, i)
        return []

    def block(i: ir.Value, _: list[Any]) -> list[Any]:
        for k, found in enumerate(ranks_of(b, row, i, whole, t, lanes // LANES)):
            b.store(found, at(b, ranks, b.add(i, constant(LANES * k)), t), align=t.width // 8)
        return []

    def place(i: ir.Value, _: list[Any]) -> list[Any]:
        rank = load(b, ranks, i, t)
        store(b, i, order, rank if t.width == 64 else b.zext(rank, I64))
        return []

    def give(i: ir.Value, _: list[Any]) -> list[Any]:
        store(b, load(b, order, b.add(start, i)), out, i)
        return []

    for first, stop, step, body in (
        (n, whole, 1, pad),
        (constant(0), n, 1, take),
        (constant(0), whole, lanes, block),
        (constant(0), whole, 1, place),
        (constant(0), length, 1, give),
    ):
        counted(b, first, stop, step, body)
    b.ret_void()
    return function


def ranks_of(b: ir.IRBuilder, row: ir.Value, i: ir.Value, count: ir.Value, t: ir.Type, parts: int) -> list[ir.Value]:
    """For each key of the block at i, as vectors, the number of keys before it: of those in front of its own vector
    that are not above it, behind it that are below it."""
    lanes = ir.VectorType(t, LANES)
    starts = [b.add(i, constant(LANES * k)) for k in range(parts)]
    own = [b.load(at(b, row, start, t), typ=lanes, align=t.width // 8) for start in starts]

    def step(part: int, j: ir.Value, held: list[Any]) -> list[Any]:
        """Key j beside vectors that are all in front of it, beside its own, and beside those behind it."""
        x, out = splat(b, load(b, row, j, t), LANES), list(held)
        for k, y in enumerate(own):
            if k > part:
                out[k] = b.add(held[k], b.sext(b.icmp_signed(">", x, y), lanes))
                continue
            before = b.icmp_signed("<", x, y)
            if k == part:
                number = splat(b, narrowed(b, b.sub(j, starts[part]), t), LANES)
                behind = b.icmp_signed("<", number, ir.Constant(lanes, list(range(LANES))))
                before = b.or_(before, b.and_(b.icmp_signed("==", x, y), behind))
            out[k] = b.sub(held[k], b.sext(before, lanes))
        return out

    end = b.add(i, constant(LANES * parts))
    found = [splat(b, narrowed(b, b.add(i, constant(LANES * k)), t), LANES) for k in range(parts)]
    spans = [(constant(0), i), *zip(starts, [*starts[1:], end], strict=True), (end, count)]
    for part, (first, stop) in enumerate(spans, -1):
        found = counted(b, first, stop, 1, partial(step, part), found)
    return found


def narrowed(b: ir.IRBuilder, i: ir.Value, t: ir.Type) -> ir.Value:
    """A small number as a key."""
    return i if t.width == 64 else b.trunc(i, t)


def emit_few(module: ir.Module, name: str, t: ir.Type) -> ir.Function:
    """The first places of a row: those of what was seen so far are kept in order, and what is not below their last is
    passed over, several keys at a time."""
    function, b = started(module, name, ROW)
    keys, n, start, length, out, _ = function.args
    most = b.add(start, length)
    kept, last, wide = Kept(b, t), b.sub(most, constant(1)), ir.VectorType(t, WIDTH)

    def begin(i: ir.Value, _: list[Any]) -> list[Any]:
        kept.put(load(b, keys, i, t), i, i)
        return []

    def consider(i: ir.Value, _: list[Any]) -> list[Any]:
        x = load(b, keys, i, t)
        with b.if_then(b.icmp_signed("<", x, kept.key(last)), likely=False):
            kept.put(x, i, last)
        return []

    def several(i: ir.Value, _: list[Any]) -> list[Any]:
        x = b.load(at(b, keys, i, t), typ=wide, align=t.width // 8)
        with b.if_then(some(b, b.icmp_signed("<", x, splat(b, kept.key(last), WIDTH))), likely=False):
            counted(b, i, b.add(i, constant(WIDTH)), 1, consider)
        return []

    def give(i: ir.Value, _: list[Any]) -> list[Any]:
        store(b, load(b, kept.places, b.add(start, i)), out, i)
        return []

    whole = b.add(most, b.and_(b.sub(n, most), constant(-WIDTH)))
    counted(b, constant(0), most, 1, begin)
    counted(b, most, whole, WIDTH, several)
    counted(b, whole, n, 1, consider)
    counted(b, constant(0), length, 1, give)
    b.ret_void()
    return function


class Kept:
    """Keys in order on the stack, with their places, behind one key that is below all."""

    def __init__(self, b: ir.IRBuilder, t: ir.Type) -> None:
        self.b, self.type = b, t
        rooms = [stack(b, ir.ArrayType(kind, FEW + LANES)) for kind in (t, I64)]
        store(b, ir.Constant(t, -(1 << (t.width - 1))), rooms[0], LANES - 1)
        self.keys, self.places = at(b, rooms[0], LANES, t), at(b, rooms[1], LANES)

    def key(self, k: ir.Value) -> ir.Value:
        """Key number k."""
        return load(self.b, self.keys, k, self.type)

    def put(self, x: ir.Value, i: ir.Value, count: ir.Value) -> None:
        """Insert a key, with its place, behind those of so many that are not above it; the others move on by one.

        Vector by vector, the last first: a key takes the place of the first that is above it, and these each of the
        next.
        """
        b = self.b
        key, place = splat(b, x, LANES), splat(b, i, LANES)

        def wide(start: ir.Value, j: ir.Value, t: ir.Type) -> ir.Value:
            return b.load(at(b, start, j, t), typ=ir.VectorType(t, LANES), align=t.width // 8)

        def move(held: list[Any]) -> list[Any]:
            (j,) = held
            before = b.sub(j, constant(1))
            here, there = (self.above(wide(self.keys, k, self.type), k, key, count) for k in (j, before))
            for start, t, new in ((self.keys, self.type, key), (self.places, I64, place)):
                moved = b.select(there, wide(start, before, t), new)
                b.store(b.select(here, moved, wide(start, j, t)), at(b, start, j, t), align=t.width // 8)
            return [b.sub(j, constant(LANES))]

        last = b.and_(count, constant(-LANES))
        repeat(b, lambda held: b.icmp_signed(">=", held[0], constant(0)), move, [last])

    def above(self, keys: ir.Value, j: ir.Value, key: ir.Value, count: ir.Value) -> ir.Value:
        """The lanes from number j on that are above a key, or none of so many."""
        b = self.b
        numbers = b.add(splat(b, j, LANES), ir.Constant(ir.VectorType(I64, LANES), list(range(LANES))))
        return b.or_(b.icmp_signed(">", keys, key), b.icmp_signed(">=", numbers, splat(b, count, LANES)))
