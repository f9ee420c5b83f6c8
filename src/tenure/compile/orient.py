"""No transpose of a transpose.

p = permute w; q = permute p; r = matmul g q            becomes      r = matmul g w
"""

from __future__ import annotations

from typing import Any

from tenure.compile.simplify import emit
from tenure.ir.program import Builder, Program, Value
from tenure.ops.move import permute


def orient(program: Program) -> Program:
    """Rewrite instruction by instruction. Products stay as they are written: another orientation has other bits."""
    b, n = Builder(), len(program.inputs)
    values: list[Value] = [b.input(aval) for aval in program.inputs]
    seen: dict[Any, Value] = {}
    for at in program.instructions:
        b.origin = at.origin
        operands, params = [values[o] for o in at.operands], dict(at.params)
        if at.primitive is permute:
            values.append(permuted(b, operands[0], params["order"], seen))
        else:
            values.append(emit(b, at.primitive, operands, params, seen))
    return b.extract(range(n), [values[v].id for v in program.outputs])


def permuted(b: Builder, x: Value, order: tuple[int, ...], seen: dict[Any, Value]) -> Value:
    """A value in another order of its axes, from what was permuted first."""
    made = b.made(x.id)
    if made is not None and made.primitive is permute:
        x, order = Value(b, b.operands[x.id][0]), tuple([made.params["order"][k] for k in order])
        if order == tuple(range(len(order))):
            return x
    return emit(b, permute, [x], {"order": order}, seen)
