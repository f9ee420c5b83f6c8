"""Numbers picked from a table by each lane: one permutation of registers where the machine has one wide enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from tenure.compile.math.lanes import I32, Lanes, element

__all__ = ["SIZE", "pick"]

SIZE = 16
"""Entries of a table."""


def pick(v: Lanes, table: Sequence[float], index: ir.Value) -> ir.Value:
    """Of 16 float32 the one that each lane asks for; of its index, an integer, the lowest four bits count."""
    count = v.type.count if isinstance(v.type, ir.VectorType) else 1
    if count == 1 or v.registers < 256:
        return _loaded(v, table, index, count)
    step = v.registers // 32
    padded = -(-count // step) * step
    lanes = list(range(count)) + [0] * (padded - count)
    index = index if padded == count else v.b.shuffle_vector(index, index, _whole(lanes))
    parts = []
    for start in range(0, padded, step):
        some = index if padded == step else v.b.shuffle_vector(index, index, _whole(range(start, start + step)))
        parts.append(_one_register(v, table, some) if step == SIZE else _two_registers(v, table, some))
    while len(parts) > 1:
        width = 2 * parts[0].type.count
        parts = [v.b.shuffle_vector(x, y, _whole(range(width))) for x, y in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0] if padded == count else v.b.shuffle_vector(parts[0], parts[0], _whole(range(count)))


def _whole(numbers: Sequence[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(I32, len(numbers)), list(numbers))


def _one_register(v: Lanes, table: Sequence[float], index: ir.Value) -> ir.Value:
    t = ir.VectorType(v.format.float, SIZE)
    return _intrinsic(v, "llvm.x86.avx512.permvar.sf.512", t, ir.Constant(t, list(table)), index)


def _two_registers(v: Lanes, table: Sequence[float], index: ir.Value) -> ir.Value:
    t, half = ir.VectorType(v.format.float, SIZE // 2), SIZE // 2
    low, high = (
        _intrinsic(v, "llvm.x86.avx2.permps", t, ir.Constant(t, list(part)), index)
        for part in (table[:half], table[half:])
    )
    upper = v.b.trunc(v.b.lshr(index, _whole([3] * half)), ir.VectorType(ir.IntType(1), half))
    return v.b.select(upper, high, low)


def _intrinsic(v: Lanes, name: str, t: ir.VectorType, table: ir.Value, index: ir.Value) -> ir.Value:
    module = v.b.module
    function = module.globals.get(name) or ir.Function(module, ir.FunctionType(t, [t, index.type]), name)
    return v.b.call(function, [table, index])


def _loaded(v: Lanes, table: Sequence[float], index: ir.Value, count: int) -> ir.Value:
    """Lane by lane, from memory."""
    b, one, index = v.b, element(v.type), v.b.and_(index, v.whole(SIZE - 1))
    start = _stored(v, table)
    if count == 1:
        return b.load(b.gep(start, [index], source_etype=one), typ=one)
    out: Any = ir.Constant(v.type, ir.Undefined)
    for k in range(count):
        lane = ir.Constant(I32, k)
        at = b.gep(start, [b.extract_element(index, lane)], source_etype=one)
        out = b.insert_element(out, b.load(at, typ=one), lane)
    return out


def _stored(v: Lanes, table: Sequence[float]) -> ir.Value:
    """The table in memory, once in a module."""
    t = ir.ArrayType(v.format.float, SIZE)
    name = "table." + ".".join(float(x).hex() for x in table[:2])
    found = v.b.module.globals.get(name)
    if found is None:
        found = ir.GlobalVariable(v.b.module, t, name)
        found.initializer, found.global_constant, found.linkage = ir.Constant(t, list(table)), True, "internal"
    return found
