"""Checks of index arrays: each index lies within its axis, counted from either end.

``−size ≤ x < size`` is ``x + size < 2 · size`` without sign, so the largest ``x + size`` decides.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.elements import in_memory
from tenure.compile.fuse import BOUNDED, Plan
from tenure.compile.loops import constant, counted
from tenure.compile.memory import Layout

POINTER = ir.PointerType()
WIDTH = 16


def emit_checks(b: ir.IRBuilder, plan: Plan, layout: Layout, table: ir.Value, known: set[int]) -> None:
    """The indices among ``known`` values lie within their axis; else leave with the number of the instruction."""
    program = plan.program
    done: set[tuple[int, int]] = set()
    for k, at in enumerate(program.instructions):
        if at.primitive.name not in BOUNDED:
            continue
        operand, axis = BOUNDED[at.primitive.name]
        index, size = at.operands[operand], program.aval(at.operands[0]).shape[axis]
        if index not in known or (index, size) in done or program.aval(index).size == 0:
            continue
        done.add((index, size))
        aval = program.aval(index)
        t = in_memory(aval.dtype)
        start = b.load(b.gep(table, [constant(layout.slots[index])], source_etype=POINTER), typ=POINTER)
        most = largest(b, start, t, aval.size, size)
        with b.if_then(b.icmp_unsigned(">=", most, ir.Constant(t, 2 * size))):
            b.ret(constant(k + 1))


def largest(b: ir.IRBuilder, start: ir.Value, t: ir.Type, count: int, size: int) -> ir.Value:
    """The largest x + size without sign; 0 if there is no x."""

    def over(first: int, stop: int, kind: ir.Type, held: ir.Value, step: int) -> ir.Value:
        offset = ir.Constant(kind, [size] * step if step > 1 else size)

        def body(i: ir.Value, carried: list[Any]) -> list[Any]:
            address = b.gep(start, [i], source_etype=t)
            x = b.add(b.load(address, typ=kind, align=t.width // 8), offset)
            return [b.select(b.icmp_unsigned(">", x, carried[0]), x, carried[0])]

        return counted(b, constant(first), constant(stop), step, body, [held])[0]

    wide = ir.VectorType(t, WIDTH)
    whole = count - count % WIDTH
    most: ir.Value = ir.Constant(t, 0)
    if whole:
        lanes = over(0, whole, wide, ir.Constant(wide, None), WIDTH)
        for k in range(WIDTH):
            x = b.extract_element(lanes, ir.Constant(ir.IntType(32), k))
            most = b.select(b.icmp_unsigned(">", x, most), x, most)
    return over(whole, count, t, most, 1) if count > whole else most
