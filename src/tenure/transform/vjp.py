"""Reverse mode: extend a builder by the cotangents of values it already holds.

    x = input; y = sin x; z = mul y y        with a cotangent g of z becomes
    …; a = mul g y; b = mul g y; c = add a b; d = cos x; e = mul c d        and e is the cotangent of x

The cotangent of an indexed read is added into one accumulator instead of being summed from dense pieces.
"""

from __future__ import annotations

from collections.abc import Collection

from tenure.ir.primitive import NOT_DIFFERENTIABLE
from tenure.ir.program import TABLE, Builder, Instruction, Value
from tenure.transform.recompute import Recomputed

Cotangents = dict[int, Value]


def dependents(b: Builder, sources: Collection[int], end: int) -> set[int]:
    """The values below ``end`` that a gradient ties to one of the sources, these included."""
    found = set(sources)
    for v in range(min(found, default=end), end):
        instruction = b.instructions[v]
        if instruction is not None and v not in found and b.tracked[v]:
            operands = instruction.operands
            numbers = instruction.primitive.differentiable(len(operands))
            if any(operands[k] in found for k in numbers):
                found.add(v)
    return found


def pull_back(b: Builder, cotangents: Cotangents, sources: Collection[int], into: Cotangents) -> Cotangents:
    """The cotangents of those ``sources`` that are reached, from the cotangents of some values.

    The walk ends at the sources. ``into`` holds accumulators of sources, to which theirs are added.
    ``b.tracking`` says whether the result can be differentiated again.
    """
    end = max(cotangents, default=-1) + 1
    relevant, reading = dependents(b, sources, end), Recomputed(b)
    held = dict(into)
    for v, g in cotangents.items():
        if v in relevant:
            held[v] = TABLE["add"](held[v], g) if v in held else g
    reached = set(held) - set(into) | (set(cotangents) & set(into))
    for v in range(end - 1, -1, -1):
        instruction = b.instructions[v]
        if v in held and v not in sources:
            g = held.pop(v)
            if instruction is not None and b.tracked[v]:
                reached.update(_through(b, v, instruction, g, relevant, held, reading))
    return {v: g for v, g in held.items() if v in reached}


def _through(
    b: Builder, v: int, at: Instruction, g: Value, relevant: set[int], held: Cotangents, reading: Recomputed
) -> Collection[int]:
    """Add what one instruction passes on to the cotangents of its operands; which operands these are."""
    prim, block = at.primitive, reading.block(v)
    xs, ans = [reading.value(o, block) for o in at.operands], reading.value(v, block)
    if prim.accumulate is not None:
        x = at.operands[0]
        if x not in relevant:
            return ()
        acc = held[x] if x in held else xs[0].zeros()
        held[x] = prim.accumulate(acc, g, *xs, **at.params)
        return (x,)
    rule = prim.vjp
    assert rule is not NOT_DIFFERENTIABLE and callable(rule), prim
    touched = []
    for k, gx in zip(prim.differentiable(len(xs)), rule(g, ans, *xs, **at.params), strict=True):
        x = at.operands[k]
        if gx is not None and x in relevant:
            held[x] = TABLE["add"](held[x], gx) if x in held else gx
            touched.append(x)
    return touched
