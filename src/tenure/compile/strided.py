"""Lanes from elements that do not lie one beside the other, at constant distances: few vectors are read whole, and the
lanes picked out of them.

    x[2 i], i = 0 … 3       x[0 … 3] and x[3 … 6], of them 0, 2 and 1, 3

Nothing is read but what lies between the first and the last element.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from tenure.compile.element_types import size_of

I32 = ir.IntType(32)
MOST = 4
"""Vectors that are read whole for one; beyond them elements are read one by one."""


def gathered(b: ir.IRBuilder, start: ir.Value, t: ir.Type, steps: Sequence[int], width: int) -> ir.Value:
    """The elements at so many distances from a start, in the first lanes of a vector."""
    low, span = min(steps), max(steps) - min(steps) + 1
    firsts = [min(k, span - width) for k in range(0, span, width)] if width <= span <= MOST * width else []
    spots = [next(((v, s - low - first) for v, first in enumerate(firsts) if 0 <= s - low - first < width), (0, 0))
             for s in steps]  # fmt: skip
    used = sorted({v for v, _ in spots})
    if not firsts or 2 * len(used) > len(set(steps)):
        return one_by_one(b, start, t, steps, width)
    wide = ir.VectorType(t, width)
    found: Any = None
    for v in used:
        read = b.load(b.gep(start, [_number(low + firsts[v])], source_etype=t), typ=wide, align=size_of(t))
        there = [spots[k][1] if k < len(steps) and spots[k][0] == v else None for k in range(width)]
        kept = [k if found is not None else i or 0 for k, i in enumerate(there)]
        order = [kept[k] if i is None else i + (width if found is not None else 0) for k, i in enumerate(there)]
        found = b.shuffle_vector(read if found is None else found, read, ir.Constant(ir.VectorType(I32, width), order))
    return found


def one_by_one(b: ir.IRBuilder, start: ir.Value, t: ir.Type, steps: Sequence[int], width: int) -> ir.Value:
    """The same by a read for each; lanes without a distance are 0."""
    out: Any = ir.Constant(ir.VectorType(t, width), None if len(steps) < width else ir.Undefined)
    for k, step in enumerate(steps):
        x = b.load(b.gep(start, [_number(step)], source_etype=t), typ=t)
        out = b.insert_element(out, x, ir.Constant(I32, k))
    return out


def scattered(b: ir.IRBuilder, start: ir.Value, t: ir.Type, positions: ir.Value, live: int) -> ir.Value:
    """The elements at positions of lanes that nothing is known of; lanes that are not live are 0."""
    width = positions.type.count
    out: Any = ir.Constant(ir.VectorType(t, width), None if live < width else ir.Undefined)
    for k in range(live):
        at = b.extract_element(positions, ir.Constant(I32, k))
        out = b.insert_element(out, b.load(b.gep(start, [at], source_etype=t), typ=t), ir.Constant(I32, k))
    return out


def _number(n: int) -> ir.Value:
    return ir.Constant(ir.IntType(64), n)
