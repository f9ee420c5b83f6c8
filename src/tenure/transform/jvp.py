"""Forward mode: extend a builder by the tangents of values it already holds.

    x = input; y = sin x        with a tangent t of x becomes        …; a = cos x; b = mul t a

and b is the tangent of y.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tenure.ir.primitive import NOT_DIFFERENTIABLE
from tenure.ir.program import Builder, Value


def push_forward(b: Builder, tangents: dict[int, Value], outs: Iterable[int] | None = None) -> dict[int, Value]:
    """Add tangents of some values (all, if none are named), and of those on the way to them, that depend on one with a
    tangent; elements of tangents may be unselected (``ops.selection``)."""
    found = dict(tangents)
    for v in between(b, found, range(len(b.avals)) if outs is None else outs):
        at, operands = b.made(v), b.operands[v]
        if at is None:
            continue
        dxs = [found.get(operands[k]) for k in at.flows]
        if all(dx is None for dx in dxs):
            continue
        rule = at.primitive.jvp
        assert rule is not NOT_DIFFERENTIABLE and callable(rule), at.primitive
        xs = [Value(b, o) for o in operands]
        tangent = rule(dxs, Value(b, v), *xs, **at.params)
        if tangent is not None:
            found[v] = tangent
    return found


def between(b: Builder, sources: Collection[int], outs: Iterable[int]) -> list[int]:
    """Values between sources and given ones along which a gradient flows, without the sources, ascending."""
    found: set[int] = set()
    stack = [v for v in outs if b.tracked[v] and v not in sources]
    while stack:
        v = stack.pop()
        at = b.made(v)
        if v not in found and at is not None:
            found.add(v)
            operands = [b.operands[v][k] for k in at.flows]
            stack.extend([o for o in operands if b.tracked[o] and o not in sources])
    return sorted(found)
