"""Examples side by side: a program on one example becomes a program on all of them.

    x = input f32[3]; w = input f32[3]; y = multiply x w; s = reduce_sum y (0,)
                                        with 8 examples of x, and w the same for all of them, becomes
    x = input f32[8,3]; w = input f32[3]; y = multiply x w; s = reduce_sum y (1,)

What is the same for every example is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence

from tenure.ir.program import Builder, Instruction, Program, Value
from tenure.ops.batching import spread


def batch(program: Program, batched: Sequence[bool], count: int) -> Program:
    """The program on ``count`` examples of those inputs that are ``batched``, along axis 0; so are its outputs."""
    b = Builder()
    values = []
    for aval, has in zip(program.inputs, batched, strict=True):
        values.append(b.input(aval.with_shape((count, *aval.shape)) if has else aval))
    inputs, flags = list(values), list(batched)
    for at in program.instructions:
        own = [flags[o] for o in at.operands]
        values.append(applied(b, at, [values[o] for o in at.operands], own))
        flags.append(any(own))
    outputs = [spread(values[v], flags[v], count) for v in program.outputs]
    return b.extract([x.id for x in inputs], [y.id for y in outputs])


def applied(b: Builder, at: Instruction, xs: Sequence[Value], batched: Sequence[bool]) -> Value:
    """An instruction on operands of which some have an axis of examples in front."""
    b.origin = at.origin
    if not any(batched):
        return b.emit(at.primitive, xs, at.params)
    return at.primitive.batch(at.primitive, batched, *xs, **at.params)  # type: ignore[no-any-return]
