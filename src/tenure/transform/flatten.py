"""Flattening of a program: joins of joins, and crops of crops, become one each.

u = concat a b; v = concat c d; w = concat u v        w = concat a b c d
u = pad x (−8, −8); v = pad u (−1, −6)                v = pad x (−9, −14)

Many tensors are joined in groups (``values.operations.groups``), so that few kinds of joins serve all numbers of them;
a program that runs often copies each part once all the same.
"""

from __future__ import annotations

from itertools import pairwise

from tenure.ir.applications import Application
from tenure.ir.program import Builder, Program, Value
from tenure.ops.move import concat, pad


def flattened(program: Program) -> Program:
    """The program with one join and one crop in place of several."""
    n, applications = len(program.inputs), program.applications
    some = [k for k, at in enumerate(applications) if at.primitive is concat or at.primitive is pad]
    operands = list(program.reads()) if some else []
    made = dict.fromkeys([n + k for k in some])
    found = [k for k in some if any(o in made and nested(applications[k], applications[o - n]) for o in operands[k])]
    if not found:
        return program
    b = Builder()
    ids = [b.input(aval).id for aval in program.inputs]
    for start, k in pairwise([-1, *found, len(applications)]):
        part = slice(start + 1, k)
        ids.extend(range(len(b.avals), len(b.avals) + k - start - 1))
        moved = [tuple([ids[o] for o in reads]) for reads in operands[part]]
        b.extend(applications[part], moved, program.origins[part])
        if k < len(applications):
            b.origin = program.origins[k]
            ids.append(through(b, applications[k], [ids[o] for o in operands[k]]).id)
    return b.extract(range(n), [ids[v] for v in program.outputs])


def nested(outer: Application, inner: Application | None) -> bool:
    """Whether an application is one with the one that its operand is the result of."""
    if inner is None or inner.primitive is not outer.primitive:
        return False
    if outer.primitive is concat:
        return bool(inner.params["axis"] == outer.params["axis"])
    return crops(outer) and crops(inner)


def crops(at: Application) -> bool:
    """Whether a pad only takes away."""
    return all(lo <= 0 and hi <= 0 for lo, hi in at.params["widths"])


def through(b: Builder, at: Application, operands: list[int]) -> Value:
    """Emit an application on what those of its operands are made of that are one with it."""
    if at.primitive is concat:
        parts: list[int] = []
        for o in operands:
            parts += b.operands[o] if nested(at, b.made(o)) else (o,)
        return concat(*[Value(b, o) for o in parts], **at.params)
    inner = b.made(operands[0])
    assert inner is not None
    pairs = zip(at.params["widths"], inner.params["widths"], strict=True)
    widths = tuple([(lo + before, hi + behind) for (lo, hi), (before, behind) in pairs])
    return pad(Value(b, b.operands[operands[0]][0]), widths=widths)
