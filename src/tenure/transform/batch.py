"""Batching (vmap): a program on one example becomes a program on all of them.

    x = input f32[3]; w = input f32[3]; y = multiply x w; s = reduce_sum y (0,)
                                        with 8 examples of x, and w the same for all of them, becomes
    x = input f32[8,3]; w = input f32[3]; y = multiply x w; s = reduce_sum y (1,)

What is the same for every example is computed once. ``close`` does the same within a builder, where a vmapped
call has been recorded as the primitives of one example.
"""

from __future__ import annotations

from collections.abc import Sequence

from tenure.ir.program import TABLE, Builder, Instruction, Program, Value
from tenure.ops.batching import spread
from tenure.ops.index import getitem
from tenure.transform.rules import laid


def batch(program: Program, batched: Sequence[bool], count: int) -> Program:
    """Batched program: those inputs that are ``batched`` have ``count`` examples along axis 0; so do its outputs."""
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


def close(b: Builder, number: Value, count: int, results: Sequence[Value], axes: Sequence[int]) -> list[Value]:
    """Results of a vmapped call for all its examples, along an axis of each.

    ``number`` is that of the example. What depends on it was emitted for one example, at its depth; from here on
    these values are dead, and constants to every differentiation.
    """
    found = widen(b, number, count, results, axes)
    for v, own in b.depths.items():
        if own >= b.depth(number.id):
            b.tracked[v] = False
    return found


def widen(b: Builder, number: Value, count: int, results: Sequence[Value], axes: Sequence[int]) -> list[Value]:
    """Broadcast of values of one example to all examples, along an axis of each, while the call goes on."""
    depth, tracking, origin, block = b.depth(number.id), b.tracking, b.origin, b.block
    images = {number.id: b.emit(TABLE["iota"], (), {"length": count, "dtype": number.dtype})}
    for v in inside(b, results, depth):
        at = b.instruction(v)
        if at is not None:
            b.tracking, b.block = b.tracked[v], b.blocks.get(v, 0)
            images[v] = image(b, at, images, number.id)
    b.tracking, b.origin, b.block = tracking, origin, block
    wide = [images[y.id] if y.id in images else spread(y, False, count) for y in results]
    return [moved(y, 0, axis) for y, axis in zip(wide, axes, strict=True)]


def inside(b: Builder, results: Sequence[Value], depth: int) -> list[int]:
    """Values at a depth that some results depend on, ascending."""
    stack = [y.id for y in results if b.depth(y.id) >= depth]
    found = set(stack)
    while stack:
        more = {o for o in b.operands[stack.pop()] if b.depth(o) >= depth} - found
        found |= more
        stack.extend(more)
    return sorted(found)


def image(b: Builder, at: Instruction, images: dict[int, Value], number: int) -> Value:
    """Batched instruction. Taking out the example (select) becomes the identity."""
    batched = [o in images for o in at.operands]
    xs = [images[o] if has else Value(b, o) for o, has in zip(at.operands, batched, strict=True)]
    if at.primitive is getitem and at.operands[1:] == (number,) and not batched[0]:
        return moved(xs[0], at.params["spec"].index("i"), 0)
    return applied(b, at, xs, batched)


def moved(x: Value, start: int, end: int) -> Value:
    """Array with one axis moved to another position."""
    if start == end:
        return x
    order = [k for k in range(x.ndim) if k != start]
    order.insert(end, start)
    return TABLE["permute"](x, order=tuple(order))


def applied(b: Builder, at: Instruction, xs: Sequence[Value], batched: Sequence[bool]) -> Value:
    """Batching rule applied to operands of which some have an axis of examples in front."""
    b.origin = at.origin
    if not any(batched):
        return b.emit(at.primitive, xs, at.params)
    avals = tuple([x.aval for x in xs])

    def rule(*xs: Value) -> list[Value]:
        return [at.primitive.batch(at.primitive, batched, *xs, **at.params)]

    name = ("batch", tuple(batched), avals)
    found = laid(b, at.application, name, [x.id for x in xs], 0, lambda at: (rule, avals))
    return rule(*xs)[0] if found is None or found[0] is None else Value(b, found[0])
