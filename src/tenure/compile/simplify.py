"""The same program with less in it: equal instructions once, dead ones gone, reductions in one form each.

a = sin x; b = sin x; c = reduce_sum (add a b) axes=(0, 2)      becomes
a = sin x; t = reduce_sum (add a a) axes=(2,); c = reduce_sum t axes=(0,)
"""

from __future__ import annotations

from typing import Any

from tenure.ir.program import Builder, Instruction, Program, Value
from tenure.ops.lowering import Fold


def simplify(program: Program) -> Program:
    """Rewrite instruction by instruction; the bits of every output stay."""
    b = Builder()
    values: list[Value] = [b.input(aval) for aval in program.inputs]
    seen: dict[Any, Value] = {}
    for at in program.instructions:
        b.origin = at.origin
        values.append(rewrite(b, at, [values[o] for o in at.operands], seen))
    return b.extract(range(len(program.inputs)), [values[v].id for v in program.outputs])


def rewrite(b: Builder, at: Instruction, operands: list[Value], seen: dict[Any, Value]) -> Value:
    """The value of one instruction on rewritten operands."""
    if isinstance(at.primitive.lower, Fold):
        axes, ndim = at.params["axes"], operands[0].ndim
        tail = tail_axes(axes, ndim)
        if tail and len(tail) < len(axes):
            inner = emit(b, at, operands, {"axes": tail}, seen)
            return emit(b, at, [inner], {"axes": axes[: len(axes) - len(tail)]}, seen)
    return emit(b, at, operands, dict(at.params), seen)


def tail_axes(axes: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """The reduced axes that are the last ones."""
    n = 0
    while n < len(axes) and axes[len(axes) - 1 - n] == ndim - 1 - n:
        n += 1
    return axes[len(axes) - n :]


def emit(b: Builder, at: Instruction, operands: list[Value], params: dict[str, Any], seen: dict[Any, Value]) -> Value:
    """An instruction, or the equal one that is there."""
    given = tuple([(k, type(v), repr(v)) for k, v in sorted(params.items())])
    key = (at.primitive, tuple([x.id for x in operands]), given)
    if key not in seen:
        seen[key] = b.emit(at.primitive, operands, params)
    return seen[key]
