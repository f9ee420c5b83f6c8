"""Consumption by a backward: the steps it walked whose gradient reads a value.

    y = x.float(); z = y * y; z.sum().backward()        consumes z, whose gradient reads y; not y, nor the sum

Which steps these are is found by running the derivative rules of a step on symbols. A number written in the program is
no value: it is recorded with the step.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, KeysView
from typing import Any

from tenure.ir.program import Builder
from tenure.ir.templates import Recipe
from tenure.transform.vjp import pull_back
from tenure.values import paths
from tenure.values.expand import (
    expand_call,
    expand_close,
    expand_gradient,
    expand_input,
    expand_mark,
    expand_operation,
    expand_return,
    expand_select,
    expand_widen,
)
from tenure.values.graph import CodeSite, Out, Segment
from tenure.values.sites import site_of
from tenure.values.trie import Node

KEEPS_NOTHING = frozenset((expand_call, expand_close, expand_return, expand_select, expand_widen))
"""Recorded steps, operations apart, whose gradient reads no value of theirs."""

def reads(recipe: Recipe, tracked: tuple[bool | None, ...]) -> bool:
    """Whether the gradient of an operation reads an operand, or a value computed from them; cached. Of each operand is
    given whether a gradient flows to it, None for a number."""
    key = ("reads", tracked)
    if key not in recipe.notes:
        recipe.notes[key] = _reads(recipe, tracked)
    return recipe.notes[key]  # type: ignore[no-any-return]


def _reads(recipe: Recipe, tracked: tuple[bool | None, ...]) -> bool:
    b = Builder()
    given = [b.input(aval, tracked=bool(flows)) for aval, flows in zip(recipe.avals, tracked, strict=True)]
    ans = recipe.function(*given, **dict(recipe.params))
    end = len(b.avals)
    numbers = {v.id for v, flows in zip(given, tracked, strict=True) if flows is None}
    for v in range(end):
        if b.made(v) is not None and numbers.issuperset(b.operands[v]):
            numbers.add(v)
    b.tracking = False
    cotangents = {y.id: b.input(y.aval) for y in (ans if type(ans) is tuple else (ans,)) if b.tracked[y.id]}
    found = pull_back(b, cotangents, {v.id for v in given if b.tracked[v.id]}, {})
    known = {*range(end), *[g.id for g in cotangents.values()]}
    return any(v < end and v not in numbers for v in b.reads([g.id for g in found.values()], known))


def spending(node: Node) -> frozenset[int]:
    """Results of a path whose step a backward consumes, cached."""
    found: frozenset[int] | None = node.plans.get("spending")
    if found is None:
        made = paths.steps(node)
        inputs = [step.params for step in node.path() if step.expand is expand_input]

        def flows(slot: int | None) -> bool | None:
            if slot is None or slot < 0:
                return None if slot is None else inputs[~slot][1]
            step, k = made[slot]
            return bool(step.depss[k])

        def spends(step: Node, k: int) -> bool:
            if not step.depss[k] or k in step.leaves or step.expand in KEEPS_NOTHING:
                return False
            if step.expand is expand_mark:
                return bool(step.params)
            if step.expand is not expand_operation:
                return True
            return reads(step.recipe, tuple([flows(a) for a in step.args]))

        found = frozenset([slot for slot, (step, k) in enumerate(made) if spends(step, k)])
        node.plans["spending"] = found
    return found


def consumed(node: Node) -> dict[int, int]:
    """Results that the backwards on a path have consumed, with a result slot of the backward; cached."""
    out: dict[int, int] | None = node.plans.get("consumed")
    if out is None:
        out, first = {}, 0
        for step in node.path():
            if step.expand is expand_gradient and step.params[-1]:
                for slot in walked(node, [r for r, _ in step.params[0]]) & spending(node):
                    out.setdefault(slot, first)
            first += len(step.avals)
        node.plans["consumed"] = out
    return out


def walked(node: Node, roots: Iterable[int]) -> set[int]:
    """Results that a backward from some of a path walks, up to its leaves."""
    return paths.ancestors(paths.steps(node), roots, paths.leaf_slots(node))


def spread(node: Node, spent: dict[int, Any]) -> dict[int, Any]:
    """Consumed results of a path, and those whose gradient would walk them."""
    out = dict(spent)
    for slot, (step, k) in enumerate(paths.steps(node)) if out else ():
        if slot not in out and step.depss[k] not in ((), (slot,)):
            by = next((a for a in step.args if a is not None and a in out), None)
            if by is not None:
                out[slot] = out[by]
    return out


def needs(node: Node) -> KeysView[int]:
    """Results whose gradient within a path reads a value, cached."""
    found: KeysView[int] | None = node.plans.get("needs")
    if found is None:
        found = node.plans["needs"] = spread(node, dict.fromkeys(spending(node))).keys()
    return found


def spend(segment: Segment, roots: Iterable[int], where: CodeSite) -> None:
    """Consume what a backward has walked of a segment from some roots: these results are numbers from now on, for every
    holder, and values that no gradient needs any more are released."""
    node, key = segment.node, ("spent", tuple(sorted(roots)))
    found: tuple[frozenset[int], KeysView[int]] | None = node.plans.get(key)
    if found is None:
        spent = spending(node) & walked(node, key[1])
        found = node.plans[key] = spent, spread(node, dict.fromkeys(spent)).keys()
    spent, gone = found
    let_go(segment, gone, where)
    t = segment.trace
    if t is not None:
        t.spent.update(dict.fromkeys(spent, where))
        for other in alike(t):
            let_go(other, spread(other.node, dict.fromkeys(spent)).keys(), where)


def let_go(segment: Segment, gone: KeysView[int], where: CodeSite) -> None:
    """Turn results of a segment without a computable gradient into numbers; where the others need no value, the segment
    is released too."""
    left = []
    for slot, reference in list(segment.outs.items()):
        out = reference()
        if out is not None and slot in gone:
            out.consume(where)
        elif out is not None and out.segment is not None:
            left.append(slot)
    if left and not segment.lean and needs(segment.node).isdisjoint(left):
        segment.slim()


def alike(t: Any) -> list[Segment]:
    """Segments of one trace: another thread has made one of a pending trace."""
    return [segment for reference in list(t.segments) if (segment := reference()) is not None]


def share(t: Any, segment: Segment) -> None:
    """Copy the consumption of a trace to another segment of it."""
    segment.trace = t
    t.segments.append(weakref.ref(segment))


def out_of(segment: Segment, slot: int, name: str) -> Out:
    """Result of a segment that was made of another thread's trace, which may have consumed it."""
    found = gone(segment)
    return Out(None if slot in found else segment, slot, name, found.get(slot))


def gone(segment: Segment) -> dict[int, CodeSite]:
    """Results of a segment that its trace, which goes on in another thread, has consumed since, with the lines."""
    t = segment.trace
    if t is None:
        return {}
    lines = {slot: site_of(t, t.handles[by]) if by < len(t.handles) else None for slot, by in consumed(t.node).items()}
    return spread(segment.node, lines | t.spent)
