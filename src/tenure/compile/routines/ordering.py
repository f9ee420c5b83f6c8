"""Order of keys: the indices of a part of the sorted row, the first of equals first.

    buffers  keys (signed), the first place of the part (int64), result (int64), room
    numbers  rows, keys of a row, places of the part, groups of rows, bytes of room for a group

A short row is ranked by comparing every pair, a few places at the beginning are kept while the row is gone through,
all else is sorted by digits (``radix``); of a long row of which a small part is wanted, first what cannot be in it
is left out. Groups of rows are shared out over the threads; long rows are sorted by several threads together.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.code import (
    I1,
    I64,
    POINTER,
    TASK,
    at,
    larger,
    least,
    load,
    repeat,
    share,
    some,
    splat,
    started,
    store,
)
from tenure.compile.routines.radix import Radix
from tenure.ops.order import FEW, SHORT

VOID = ir.VoidType()
ROW = ir.FunctionType(VOID, [POINTER, I64, I64, I64, POINTER, POINTER])
"""Keys of a row, how many, the first place and the number of places wanted, the result, room."""
LANES = 8


def emit(module: ir.Module, name: str, bits: int) -> None:
    """Add the order of signed keys of so many bits."""
    t = ir.IntType(bits)
    ways = (emit_ranks(module, f"{name}.ranks", t), emit_few(module, f"{name}.few", t), emit_digits(module, name, t))
    groups = emit_groups(module, f"{name}.groups", t, emit_choice(module, f"{name}.row", *ways))
    function = ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    context = stack(b, ir.ArrayType(POINTER, 2))
    for k, x in enumerate(function.args):
        store(b, x, context, k)
    share(b, groups, context, load(b, function.args[1], 3))
    b.ret(constant(0))


def emit_groups(module: ir.Module, name: str, t: ir.Type, row: ir.Function) -> ir.Function:
    """The task that goes through groups of rows."""
    function, b = started(module, name, TASK)
    context, first, last = function.args
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    keys, place, out, room = (load(b, buffers, k, POINTER) for k in range(4))
    rows, n, length, groups, size = (load(b, numbers, k) for k in range(5))
    start = larger(b, least(b, load(b, place, 0), b.sub(n, length)), constant(0))

    def group(g: ir.Value, _: list[Any]) -> list[Any]:
        own = at(b, room, b.mul(g, size), ir.IntType(8))

        def one(r: ir.Value, _: list[Any]) -> list[Any]:
            here, there = at(b, keys, b.mul(r, n), t), at(b, out, b.mul(r, length))
            b.call(row, [here, n, start, length, there, own])
            return []

        ends = [b.udiv(b.mul(rows, k), groups) for k in (g, b.add(g, constant(1)))]
        counted(b, ends[0], ends[1], 1, one)
        return []

    counted(b, first, last, 1, group)
    b.ret_void()
    return function


def emit_choice(module: ir.Module, name: str, ranks: ir.Function, few: ir.Function, radix: ir.Function) -> ir.Function:
    """The order of one row, by the way that suits it."""
    function, b = started(module, name, ROW)
    _, n, start, length, _, _ = function.args
    for condition, way in (
        (b.icmp_signed("<=", n, constant(SHORT)), ranks),
        (b.icmp_signed("<=", b.add(start, length), constant(FEW)), few),
        (I1(1), radix),
    ):
        with b.if_then(condition):
            b.call(way, function.args)
            b.ret_void()
    b.unreachable()
    return function


def emit_digits(module: ir.Module, name: str, t: ir.Type) -> ir.Function:
    """The order of a row by digits; wide keys that differ in their last 32 bits alone are sorted as narrow ones."""
    whole = Radix(module, f"{name}.radix", t.width).emit_row()
    narrow = Radix(module, f"{name}.narrow", t.width, narrow=True).emit_row() if t.width == 64 else whole
    function, b = started(module, f"{name}.digits", ROW)
    keys, n, *_ = function.args
    x, wide = load(b, keys, 0, t), ir.VectorType(t, 4 * LANES)
    every = splat(b, x, 4 * LANES)

    def several(i: ir.Value, held: list[Any]) -> list[Any]:
        return [b.or_(held[0], b.xor(b.load(at(b, keys, i, t), typ=wide, align=t.width // 8), every))]

    def one(i: ir.Value, held: list[Any]) -> list[Any]:
        return [b.or_(held[0], b.xor(load(b, keys, i, t), x))]

    stop = b.and_(n, constant(-4 * LANES))
    (found,) = counted(b, constant(0), stop, 4 * LANES, several, [ir.Constant(wide, None)])
    joined = f"llvm.vector.reduce.or.v{4 * LANES}i{t.width}"
    both = module.globals.get(joined) or ir.Function(module, ir.FunctionType(t, [wide]), joined)
    (differs,) = counted(b, stop, n, 1, one, [b.call(both, [found])])
    if t.width == 64:
        below = b.icmp_unsigned("<", b.or_(differs, n), constant(1 << 32))
        with b.if_then(below):
            b.call(narrow, [*function.args, differs])
            b.ret_void()
    b.call(whole, [*function.args, differs if t.width == 64 else b.zext(differs, I64)])
    b.ret_void()
    return function


def emit_ranks(module: ir.Module, name: str, t: ir.Type) -> ir.Function:
    """The order of a short row: each key's place is the number of keys before it."""
    function, b = started(module, name, ROW)
    keys, n, start, length, out, _ = function.args
    room = stack(b, ir.ArrayType(t, SHORT))
    whole = b.and_(b.add(n, constant(LANES - 1)), constant(-LANES))
    last = (1 << (t.width - 1)) - 1

    def pad(i: ir.Value, _: list[Any]) -> list[Any]:
        store(b, ir.Constant(t, last), room, i)
        return []

    counted(b, n, whole, 1, pad)

    def take(i: ir.Value, _: list[Any]) -> list[Any]:
        store(b, load(b, keys, i, t), room, i)
        return []

    counted(b, constant(0), n, 1, take)
    lanes = ir.VectorType(t, LANES)
    steps = ir.Constant(lanes, list(range(LANES)))

    def place(i: ir.Value, _: list[Any]) -> list[Any]:
        x, number = splat(b, load(b, room, i, t), LANES), splat(b, narrowed(b, i, t), LANES)

        def compare(j: ir.Value, held: list[Any]) -> list[Any]:
            y = b.load(at(b, room, j, t), typ=lanes, align=t.width // 8)
            here = b.add(steps, splat(b, narrowed(b, j, t), LANES))
            tied = b.and_(b.icmp_signed("==", y, x), b.icmp_signed("<", here, number))
            return [b.add(held[0], b.zext(b.or_(b.icmp_signed("<", y, x), tied), lanes))]

        (found,) = counted(b, constant(0), whole, LANES, compare, [ir.Constant(lanes, None)])
        total = f"llvm.vector.reduce.add.v{LANES}i{t.width}"
        add = module.globals.get(total) or ir.Function(module, ir.FunctionType(t, [lanes]), total)
        rank = b.call(add, [found])
        rank = b.sub(rank if t.width == 64 else b.zext(rank, I64), start)
        with b.if_then(b.icmp_unsigned("<", rank, length)):
            store(b, i, out, rank)
        return []

    counted(b, constant(0), n, 1, place)
    b.ret_void()
    return function


def narrowed(b: ir.IRBuilder, i: ir.Value, t: ir.Type) -> ir.Value:
    """A small number as a key."""
    return i if t.width == 64 else b.trunc(i, t)


def emit_few(module: ir.Module, name: str, t: ir.Type) -> ir.Function:
    """The first places of a row: those of what was seen so far are kept in order, and what is not below their last is
    passed over, several keys at a time."""
    function, b = started(module, name, ROW)
    keys, n, start, length, out, _ = function.args
    most = b.add(start, length)
    kept, where = stack(b, ir.ArrayType(t, FEW + 1)), stack(b, ir.ArrayType(I64, FEW + 1))

    def put(x: ir.Value, i: ir.Value, behind: ir.Value) -> None:
        """Insert a key behind those not above it, which are moved on."""

        def above(held: list[Any]) -> ir.Value:
            inside = b.icmp_signed(">", held[0], constant(0))
            before = b.select(inside, b.sub(held[0], constant(1)), constant(0))
            return b.and_(inside, b.icmp_signed(">", load(b, kept, before, t), x))

        def move(held: list[Any]) -> list[Any]:
            before = b.sub(held[0], constant(1))
            store(b, load(b, kept, before, t), kept, held[0])
            store(b, load(b, where, before), where, held[0])
            return [before]

        (place,) = repeat(b, above, move, [behind])
        store(b, x, kept, place)
        store(b, i, where, place)

    def begin(i: ir.Value, _: list[Any]) -> list[Any]:
        put(load(b, keys, i, t), i, i)
        return []

    counted(b, constant(0), most, 1, begin)
    last = b.sub(most, constant(1))

    def consider(i: ir.Value, _: list[Any]) -> list[Any]:
        x = load(b, keys, i, t)
        with b.if_then(b.icmp_signed("<", x, load(b, kept, last, t)), likely=False):
            put(x, i, last)
        return []

    width = 4 * LANES
    whole = b.add(most, b.and_(b.sub(n, most), constant(-width)))

    def several(i: ir.Value, _: list[Any]) -> list[Any]:
        wide = ir.VectorType(t, width)
        x = b.load(at(b, keys, i, t), typ=wide, align=t.width // 8)
        with b.if_then(some(b, b.icmp_signed("<", x, splat(b, load(b, kept, last, t), width))), likely=False):
            counted(b, i, b.add(i, constant(width)), 1, consider)
        return []

    counted(b, most, whole, width, several)
    counted(b, whole, n, 1, consider)

    def give(i: ir.Value, _: list[Any]) -> list[Any]:
        store(b, load(b, where, b.add(start, i)), out, i)
        return []

    counted(b, constant(0), length, 1, give)
    b.ret_void()
    return function
