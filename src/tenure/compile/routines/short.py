"""Order of few keys: of a short row by comparing every pair, and of the first places of any row."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.code import I64, ROW, at, load, reduced, repeat, some, splat, started, store
from tenure.ops.order import FEW, SHORT

LANES, WIDTH = 8, 32


def emit_ranks(module: ir.Module, name: str, t: ir.Type) -> ir.Function:
    """The order of a short row: each key's place is the number of keys before it."""
    function, b = started(module, name, ROW)
    keys, n, start, length, out, _ = function.args
    room, last = stack(b, ir.ArrayType(t, SHORT)), ir.Constant(t, (1 << (t.width - 1)) - 1)
    whole = b.and_(b.add(n, constant(LANES - 1)), constant(-LANES))

    def pad(i: ir.Value, _: list[Any]) -> list[Any]:
        store(b, last, room, i)
        return []

    def take(i: ir.Value, _: list[Any]) -> list[Any]:
        store(b, load(b, keys, i, t), room, i)
        return []

    def place(i: ir.Value, _: list[Any]) -> list[Any]:
        rank = b.sub(rank_of(b, room, i, whole, t), start)
        with b.if_then(b.icmp_unsigned("<", rank, length)):
            store(b, i, out, rank)
        return []

    for first, stop, step in ((n, whole, pad), (constant(0), n, take), (constant(0), n, place)):
        counted(b, first, stop, 1, step)
    b.ret_void()
    return function


def rank_of(b: ir.IRBuilder, row: ir.Value, i: ir.Value, count: ir.Value, t: ir.Type) -> ir.Value:
    """The number of keys before key i: of those in front of its own lanes that are not above it, behind them that are
    below it."""
    lanes = ir.VectorType(t, LANES)
    x, own = splat(b, load(b, row, i, t), LANES), b.and_(i, constant(-LANES))

    def several(j: ir.Value) -> ir.Value:
        return b.load(at(b, row, j, t), typ=lanes, align=t.width // 8)

    def above(j: ir.Value, held: list[Any]) -> list[Any]:
        return [b.sub(held[0], b.zext(b.icmp_signed(">", several(j), x), lanes))]

    def below(j: ir.Value, held: list[Any]) -> list[Any]:
        return [b.add(held[0], b.zext(b.icmp_signed("<", several(j), x), lanes))]

    y, number = several(own), splat(b, narrowed(b, b.sub(i, own), t), LANES)
    tied = b.and_(b.icmp_signed("==", y, x), b.icmp_signed("<", ir.Constant(lanes, list(range(LANES))), number))
    found = [b.zext(b.or_(b.icmp_signed("<", y, x), tied), lanes)]
    found = counted(b, constant(0), own, LANES, above, found)
    found = counted(b, b.add(own, constant(LANES)), count, LANES, below, found)
    rank = reduced(b, "add", found[0])
    return b.add(own, rank if t.width == 64 else b.sext(rank, I64))


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
