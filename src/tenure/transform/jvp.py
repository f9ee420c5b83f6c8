"""Forward mode: extend a builder by the tangents of values it already holds.

    x = input; y = sin x        with a tangent t of x becomes        …; a = cos x; b = mul t a

and b is the tangent of y.
"""

from __future__ import annotations

from tenure.ir.primitive import NOT_DIFFERENTIABLE
from tenure.ir.program import Builder, Value


def push_forward(b: Builder, tangents: dict[int, Value]) -> dict[int, Value]:
    """The tangents of every value so far that depends on one with a tangent; elements of them may not be selected
    (``ops.selection``)."""
    found = dict(tangents)
    for v in range(min(found, default=0), len(b.avals)):
        at = b.instructions[v]
        if at is None or v in found or not b.tracked[v]:
            continue
        numbers = at.primitive.differentiable(len(at.operands))
        dxs = [found.get(at.operands[k]) for k in numbers]
        if all(dx is None for dx in dxs):
            continue
        rule = at.primitive.jvp
        assert rule is not NOT_DIFFERENTIABLE and callable(rule), at.primitive
        xs = [Value(b, o) for o in at.operands]
        tangent = rule(dxs, Value(b, v), *xs, **at.params)
        if tangent is not None:
            found[v] = tangent
    return found
