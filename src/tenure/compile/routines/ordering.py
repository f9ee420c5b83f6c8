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
    ROW,
    TASK,
    at,
    larger,
    least,
    load,
    reduced,
    share,
    splat,
    started,
    store,
)
from tenure.compile.routines.radix import Radix
from tenure.compile.routines.short import emit_few, emit_ranks
from tenure.ops.order import FEW, SHORT

LANES = 32


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
    x, wide = load(b, keys, 0, t), ir.VectorType(t, LANES)
    every = splat(b, x, LANES)

    def several(i: ir.Value, held: list[Any]) -> list[Any]:
        return [b.or_(held[0], b.xor(b.load(at(b, keys, i, t), typ=wide, align=t.width // 8), every))]

    def one(i: ir.Value, held: list[Any]) -> list[Any]:
        return [b.or_(held[0], b.xor(load(b, keys, i, t), x))]

    stop = b.and_(n, constant(-LANES))
    (found,) = counted(b, constant(0), stop, LANES, several, [ir.Constant(wide, None)])
    (differs,) = counted(b, stop, n, 1, one, [reduced(b, "or", found)])
    if t.width == 64:
        below = b.icmp_unsigned("<", b.or_(differs, n), constant(1 << 32))
        with b.if_then(below):
            b.call(narrow, [*function.args, differs])
            b.ret_void()
    b.call(whole, [*function.args, differs if t.width == 64 else b.zext(differs, I64)])
    b.ret_void()
    return function
