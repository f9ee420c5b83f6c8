"""The first of equal keys, found in one pass by a hash table.

    buffers  keys, result (int64), room
    numbers  rows, keys of a row, slots of the table: a power of two, above the keys of a row

A slot has the number of a key, or -1. What is not free and has another key is passed over, one slot after the other.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted
from tenure.compile.routines.code import I32, I64, POINTER, at, load, repeat, store

MIX = 0x9E3779B97F4A7C15 - (1 << 64), 0xBF58476D1CE4E5B9 - (1 << 64)
"""Odd factors: of the golden ratio, and of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014)."""


def emit(module: ir.Module, name: str, bits: int) -> None:
    """Add the routine for keys of so many bits."""
    t = ir.IntType(bits)
    function = ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    keys, out, table = (load(b, function.args[0], k, POINTER) for k in range(3))
    rows, n, slots = (load(b, function.args[1], k) for k in range(3))
    last = b.sub(slots, constant(1))

    def clear(i: ir.Value, _: list[Any]) -> list[Any]:
        store(b, I32(-1), table, i)
        return []

    def row(r: ir.Value, _: list[Any]) -> list[Any]:
        own, to = at(b, keys, b.mul(r, n), t), at(b, out, b.mul(r, n))
        counted(b, constant(0), slots, 1, clear)

        def key(i: ir.Value, _: list[Any]) -> list[Any]:
            x = load(b, own, i, t)

            def taken(held: list[Any]) -> ir.Value:
                """Whether a slot has another key; what a free one would have is this key itself."""
                return b.icmp_signed("!=", load(b, own, owner(held[0]), t), x)

            def owner(slot: ir.Value) -> ir.Value:
                found = b.sext(load(b, table, slot, I32), I64)
                return b.select(b.icmp_signed("<", found, constant(0)), i, found)

            start = b.and_(mixed(b, x if bits == 64 else b.sext(x, I64)), last)
            (slot,) = repeat(b, taken, lambda held: [b.and_(b.add(held[0], constant(1)), last)], [start])
            found = owner(slot)
            store(b, b.trunc(found, I32), table, slot)
            store(b, found, to, i)
            return []

        counted(b, constant(0), n, 1, key)
        return []

    counted(b, constant(0), rows, 1, row)
    b.ret(constant(0))


def mixed(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """A hash whose low bits depend on all bits of a key."""
    for factor in MIX:
        x = b.mul(b.xor(x, b.lshr(x, constant(32))), constant(factor))
    return b.xor(x, b.lshr(x, constant(32)))
