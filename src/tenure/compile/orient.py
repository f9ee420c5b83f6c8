"""Products in the orientation in which their result is read, and no transpose of a transpose.

p = permute x; q = matmul p g; r = permute q            becomes      p = permute g; r = matmul p x
p = permute w; q = permute p; r = matmul g q            becomes      r = matmul g w

A transposed operand of a product costs nothing, a transposed result is written and read once more.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tenure.compile.simplify import emit
from tenure.ir.program import Builder, Instruction, Program, Value
from tenure.ops.contract import matmul, swapped
from tenure.ops.move import permute


def orient(program: Program) -> Program:
    """Rewrite instruction by instruction. A product may differ in the last bits, as BLAS has it."""
    b, n = Builder(), len(program.inputs)
    values: list[Value] = [b.input(aval) for aval in program.inputs]
    uses = Counter([*program.outputs, *[o for at in program.instructions for o in at.operands]])
    seen: dict[Any, Value] = {}
    for at in program.instructions:
        b.origin = at.origin
        x = at.operands[0] if at.operands else -1
        source = program.instructions[x - n] if at.primitive is permute and x >= n else None
        found = None if source is None else turned(b, at, source, values, uses[x], seen)
        values.append(found or emit(b, at.primitive, [values[o] for o in at.operands], dict(at.params), seen))
    return b.extract(range(n), [values[v].id for v in program.outputs])


def turned(
    b: Builder, at: Instruction, source: Instruction, values: list[Value], uses: int, seen: dict[Any, Value]
) -> Value | None:
    """A permuted value from what it was made of, if that is better."""
    operands, order = [values[o] for o in source.operands], at.params["order"]
    if source.primitive is permute:
        composed = tuple([source.params["order"][k] for k in order])
        if composed == tuple(range(len(composed))):
            return operands[0]
        return emit(b, permute, operands, {"order": composed}, seen)
    if source.primitive is matmul and at.aval.dtype.kind == "f" and uses == 1 and order == swap(len(order)):
        params = dict(source.params)
        if "selects" in params:
            params["selects"] = swapped(params["selects"])
        return emit(b, matmul, [transposed(b, x, seen) for x in reversed(operands)], params, seen)
    return None


def swap(ndim: int) -> tuple[int, ...]:
    """The order of axes with the last two exchanged."""
    return (*range(ndim - 2), ndim - 1, ndim - 2)


def transposed(b: Builder, x: Value, seen: dict[Any, Value]) -> Value:
    """The last two axes of an operand exchanged."""
    made = b.instructions[x.id]
    if made is not None and made.primitive is permute and made.params["order"] == swap(x.ndim):
        return Value(b, made.operands[0])
    return emit(b, permute, [x], {"order": swap(x.ndim)}, seen)
