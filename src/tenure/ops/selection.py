"""Two kinds of zero in cotangents and tangents: an element that is not selected, and a number that is zero.

A mask, a bound, a maximum or an index leaves elements out. No derivative passes them, whatever the partial derivative
there is: 0 · ∞ does not arise. Such an element is written −0.0. IEEE's sums keep it: −0.0 + −0.0 = −0.0, and
−0.0 + x = x. A number that is zero is +0.0 where it shares an array with such elements; it follows IEEE, 0 · ∞ is NaN.

    y = where c (log x) 0      with a cotangent g of y
    a = where c g −0.0; d = 1 / x; b = chain d a      and b is the cotangent of x: −0.0 where c does not hold

Before a gradient leaves the library, ``settled`` makes +0.0 of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tenure.ir.primitive import PARTIAL, SIGNED, UNSIGNED
from tenure.ir.program import TABLE, Value

NONE = -0.0
"""An element that is not selected."""


class Selection(NamedTuple):
    """A partial derivative of a choice: ``share`` where ``kept`` holds; elsewhere the operand is not selected."""

    kept: Value
    share: Value | float


def zeros_of(x: Value) -> int:
    """The zeros that a cotangent or tangent may hold: PARTIAL, SIGNED or UNSIGNED (``ir.primitive``)."""
    b, stack = x.builder, [x.id]
    found = b.zeros
    while stack:
        v = stack[-1]
        if v in found:
            stack.pop()
            continue
        at = b.made(v)
        if at is None:
            found[v] = PARTIAL
        elif at.primitive.zeros is None:
            found[v] = SIGNED
        else:
            numbers, join = at.primitive.zeros
            operands = b.operands[v] if numbers is None else [b.operands[v][k] for k in numbers]
            missing = [o for o in operands if o not in found]
            stack.extend(missing)
            if not missing:
                found[v] = join([found[o] for o in operands], **at.params)
    return found[x.id]


def unselected_like(x: Value) -> Value:
    """An array like x of which no element is selected."""
    return x.builder.full(x.shape, NONE, x.dtype)


def settled(g: Value) -> Value:
    """A cotangent as numbers, none of which is −0.0."""
    b, zeros = g.builder, zeros_of(g)
    if zeros == UNSIGNED:
        return g
    at = b.made(g.id) if zeros == PARTIAL else None
    if at is not None and at.primitive.settled is not None:
        return at.primitive.settled(*[Value(b, o) for o in b.operands[g.id]], **at.params)  # type: ignore[no-any-return]
    return TABLE["add"](g, g.coerce(0.0))


def ready(g: Value) -> Value:
    """A cotangent that may stand beside elements that are not selected."""
    return settled(g) if zeros_of(g) == SIGNED else g


def level(gs: Sequence[Value | None]) -> list[Value | None]:
    """Cotangents that become parts of one array."""
    mixed = any(g is None or zeros_of(g) == PARTIAL for g in gs)
    return [ready(g) if mixed and g is not None else g for g in gs]


def masked(kept: Value, g: Value) -> Value:
    """The cotangent where ``kept`` holds; elsewhere nothing is selected."""
    return TABLE["where"](kept, ready(g), g.coerce(NONE))


def times(g: Value, partial: Value | Selection | float) -> Value:
    """g · ∂, where g is selected."""
    if isinstance(partial, Selection):
        return masked(partial.kept, times(g, partial.share))
    if not isinstance(partial, Value) and partial == 1:
        return g
    if zeros_of(g) == PARTIAL:
        return TABLE["chain"](g.coerce(partial), g)
    return -g if not isinstance(partial, Value) and partial == -1 else g * partial
