"""Dependence of a gradient: whether a cotangent is computed from anything that requires grad.

That of ``2 * x`` depends on nothing, that of ``x * x`` on x.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from copy import copy
from typing import Any

from tenure.ir.program import Builder, Value
from tenure.values.rules.expand import Expansion, lay_gradient, reached_stops
from tenure.values.rules.reach import Reached


def depending(ex: Expansion, params: Any, given: Iterable[int]) -> Reached:
    """The stops that a gradient reaches, each with whether its cotangent is computed from anything that requires grad,
    be it a mask alone, or from some ``given`` slots. The expansion is as before."""
    roots, stops, into, final = params
    found = reached_stops(ex, roots, stops)
    trial, known = copied(ex), {ex[s].id for s in given}
    lay_gradient(trial, (roots, stops, into, True, found, final, False))
    ends = trial.slots[len(ex.slots) :]
    return tuple([(s, depends(trial.builder, v, known)) for s, v in zip(found, ends, strict=True)])


def depends(b: Builder, v: int, others: Collection[int]) -> bool:
    """Whether a value is computed from a tracked one or one of some others, or is one itself."""
    seen, stack = {v}, [v]
    while stack:
        at = stack.pop()
        if b.tracked[at] or at in others:
            return True
        new = [o for o in b.operands[at] if o not in seen]
        seen.update(new)
        stack += new
    return False


def copied(ex: Expansion) -> Expansion:
    """Copy of an expansion that can be expanded further by itself."""
    other = Expansion()
    b = other.builder
    for name in Builder.__slots__:
        setattr(b, name, copy(getattr(ex.builder, name)))
    other.slots, other.inputs, other.scalars = ex.slots.copy(), ex.inputs.copy(), ex.scalars.copy()
    other.examples, other.path = [Value(b, x.id) for x in ex.examples], ex.path
    return other
