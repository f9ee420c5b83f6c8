"""Forward mode: extend a builder by the tangents of values it already holds.

    x = input; y = sin x        with a tangent t of x becomes        …; a = cos x; b = mul t a

and b is the tangent of y.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from tenure.errors import following
from tenure.ir.applications import Application
from tenure.ir.primitive import NOT_DIFFERENTIABLE
from tenure.ir.program import Builder, Value
from tenure.transform.rules import laid


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
        tangent = tangent_of(b, at, v, dxs)
        if tangent is not None:
            found[v] = tangent
    return found


def tangent_of(b: Builder, at: Application, v: int, dxs: Sequence[Value | None]) -> Value | None:
    """Tangent of a result from those of the operands that have one."""
    rule = at.primitive.jvp
    assert rule is not NOT_DIFFERENTIABLE and callable(rule), at.primitive
    given, places = [dx for dx in dxs if dx is not None], tuple([dx is not None for dx in dxs])
    avals = tuple([at.operands[k] for k, dx in zip(at.flows, dxs, strict=True) if dx is not None])

    def applied(*values: Value) -> list[Value | None]:
        rest = iter(values)
        tangents = [following(rest) if has else None for has in places]
        return [rule(tangents, *rest, **at.params)]

    xs = [*given, Value(b, v), *[Value(b, o) for o in b.operands[v]]]
    if all(dx.aval == aval for dx, aval in zip(given, avals, strict=True)) and b.avals[v] == at.aval:
        kinds = (*avals, at.aval, *at.operands)
        found = laid(b, at, ("jvp", places), [x.id for x in xs], len(given), lambda at: (applied, kinds))
        if found is not None:
            return None if found[0] is None else Value(b, found[0])
    return applied(*xs)[0]


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
