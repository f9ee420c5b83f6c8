"""Consumption by a backward: the steps it walked whose gradient reads a value.

    y = x.float(); z = y * y; z.sum().backward()        consumes z, whose gradient reads y; not y, nor the sum

Which steps these are is found by running the derivative rules of a step on symbols. A number written in the program is
no value: it is recorded with the step.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, KeysView
from typing import Any

from tenure.ir.primitive import UNSIGNED
from tenure.ir.program import Builder
from tenure.transform.rules import kept
from tenure.transform.vjp import pulled
from tenure.values.rules import paths
from tenure.values.rules.expand import (
    expand_call,
    expand_close,
    expand_mark,
    expand_operation,
    expand_return,
    expand_select,
    expand_widen,
)
from tenure.values.rules.graph import CodeSite, Out, Segment
from tenure.values.rules.guard import guarded
from tenure.values.rules.rows import History, Path, Step, history_of
from tenure.values.rules.rules import Rule
from tenure.values.rules.sites import site_of

KEEPS_NOTHING = frozenset((expand_call, expand_close, expand_return, expand_select, expand_widen))
"""Recorded steps, operations apart, whose gradient reads no value of theirs."""

def spent_by(rule: Rule) -> tuple[bool, ...]:
    """Whether a backward consumes the step of each result of a rule; kept with it."""
    if rule.spends is None:
        rule.spends = tuple([spends(rule, k) for k in range(len(rule.kinds))])
    return rule.spends


def spends(rule: Rule, k: int) -> bool:
    """Whether a backward consumes the step of a result: by its rule, and the number of the result within the step."""
    if not rule.kinds[k].tracked or k in rule.leaves or rule.expand in KEEPS_NOTHING:
        return False
    if rule.expand is expand_mark:
        return bool(rule.params == paths.KEEPING)
    if rule.expand is not expand_operation:
        return True
    if rule.reads is None:
        first = rule.first or rule  # that a gradient reads a value does not depend on extents
        if first.reads is None:
            first.reads = _reads(first)
        rule.reads = first.reads
    return rule.reads


def _reads(rule: Rule) -> bool:
    """Whether the gradient of an operation reads an operand, or a value computed from them."""
    found = _reads_known(rule)
    if found is not None:
        return found
    b, recipe = Builder(), rule.recipe
    given = [b.input(aval, tracked=flows) for aval, flows in zip(recipe.avals, rule.flags[1:], strict=True)]
    ans = recipe.function(*given, **dict(recipe.params))
    end = len(b.avals)
    count = len(rule.numbers)
    numbers = {v.id for v in (given[:count] if rule.turned else given[rule.arity :])}
    for v in range(end):
        if b.made(v) is not None and numbers.issuperset(b.operands[v]):
            numbers.add(v)
    b.tracking = False
    cotangents = {y.id: b.input(y.aval).id for y in (ans if type(ans) is tuple else (ans,)) if b.tracked[y.id]}
    b.zeros.update(dict.fromkeys(cotangents.values(), UNSIGNED))  # as that of a number is
    cts = pulled(b, cotangents, {v.id for v in given if b.tracked[v.id]}, {}, ())
    known = {*range(end), *cotangents.values()}
    return any(v < end and v not in numbers for v in b.reads([*cts.values()], known))


def _reads_known(rule: Rule) -> bool | None:
    """``_reads`` by the templates of the gradients of what the operation emits, if all are there already; else None."""
    emitted, count = rule.template, len(rule.numbers)
    if emitted is None:
        return None
    first, given = emitted.given + len(emitted.constants), emitted.given
    numbers = {*(range(count) if rule.turned else range(rule.arity, given)), *range(given, first)}
    for v, read in enumerate(emitted.refs, first):
        if numbers.issuperset(read):
            numbers.add(v)
    tracked = [*map(bool, rule.flags[1:]), *[False] * len(emitted.constants), *emitted.tracked]
    arrived = set(emitted.results)
    for v in range(first + len(emitted.refs) - 1, first - 1, -1):
        at, read = emitted.applications[v - first], emitted.refs[v - first]
        if v not in arrived or not tracked[v]:
            continue
        ans = at.reads < 0  # else an accumulator and a cotangent stand before the operands
        back = kept(at, "vjp" if ans else "accumulate", (False, False, ans, *[tracked[k] for k in read]))
        if back is None:
            return None
        ends = [ref for ref, k in zip(back.results, at.flows, strict=True) if tracked[read[k]]] if ans else back.results
        behind = back.behind([ref for ref in ends if ref is not None])
        if any(k + 2 in behind for k, o in enumerate(read) if o not in numbers) or (ans and 1 in behind):
            return True
        arrived.update([read[k] for k in at.flows])
    return False


def consumed(path: Path) -> dict[int, int]:
    """Results that the backwards on a path, or behind it, have consumed, with a result slot of the backward."""
    history = history_of(path)
    if _unwalked(path, history) is not None:
        _walk_on(path, history)
    return history.spent


def _unwalked(path: Path, history: History) -> Step | None:
    """The first gradient of a path that has not been walked; those that go on from it may have more."""
    left = history.gradients[history.walked : history.walked + 1]
    return left[0] if left and left[0].first <= path.results else None


@guarded
def _walk_on(path: Path, history: History) -> None:
    while (step := _unwalked(path, history)) is not None:
        note_spent(walked(path, [r for r, _ in step.params[0]], step.params[5]), history.spent, step.first)
        history.walked += 1


def note_spent(found: paths.Walked, spent: dict[int, int], first: int) -> None:
    """Note the results of a walk that a backward consumes, whose first result slot this is."""
    for slot, rule, k in zip(*found, strict=True):
        if spent_by(rule)[k]:
            spent.setdefault(slot, first)


def consumed_within(path: Path) -> dict[int, int]:
    """``consumed`` by the backwards of the path alone."""
    return {slot: by for slot, by in consumed(path).copy().items() if by < path.results}


def walked(path: Path, roots: list[int], halt: Iterable[int]) -> paths.Walked:
    """Results that a backward from some of a path walks, up to its leaves and ``halt``."""
    return paths.walked(path, roots, list(halt), False)


def spending(path: Path) -> set[int]:
    """Results of a path whose step a backward consumes."""
    found: set[int] = set()
    slot = 0
    for block in path.blocks():
        for rule in block.rules:
            kinds = rule.kinds
            if rule.tracked:
                found.update([slot + k for k, spent in enumerate(spent_by(rule)) if spent])
            slot += len(kinds)
    return found


def needs(path: Path) -> KeysView[int]:
    """Results whose gradient within a path reads a value, cached."""
    found: KeysView[int] | None = path.plans.get("needs")
    if found is None:
        found = path.plans["needs"] = paths.spread(path, dict.fromkeys(spending(path))).keys()
    return found


def spend(segment: Segment, roots: Iterable[int], where: CodeSite, halt: Iterable[int] = ()) -> None:
    """Consume what a backward has walked of a segment from some roots, up to ``halt``: these results are numbers from
    now on, for every holder, and values that no gradient needs any more are released."""
    path, key = segment.path, ("spent", tuple(sorted(roots)), tuple(halt))
    found: tuple[frozenset[int], KeysView[int]] | None = path.plans.get(key)
    if found is None:
        steps = zip(*walked(path, list(key[1]), key[2]), strict=True)
        spent = frozenset([slot for slot, rule, k in steps if (rule.spends or spent_by(rule))[k]])
        found = path.plans[key] = spent, paths.spread(path, dict.fromkeys(spent)).keys()
    spent, gone = found
    let_go(segment, gone, where)
    t = segment.trace
    if t is not None:
        t.spent.update(dict.fromkeys(spent, where))
        for other in alike(t):
            let_go(other, paths.spread(other.path, dict.fromkeys(spent)).keys(), where)


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
    if left and not segment.lean and needs(segment.path).isdisjoint(left):
        segment.slim()


def alike(t: Any) -> list[Segment]:
    """Segments of one trace: another thread has made one of a pending trace."""
    return [segment for reference, _, _ in list(t.segments) if (segment := reference()) is not None]


def share(t: Any, segment: Segment) -> None:
    """Copy the consumption of a trace to another segment of it."""
    segment.trace = t
    t.segments.append((weakref.ref(segment), segment.path.results, segment.number))


def number_of(t: Any, slot: int, number: float) -> float:
    """Number of the first segment that a trace has left with a result, by which threads can have gone on from it; that
    given if there is none."""
    numbers: list[float] = [at for _, results, at in list(t.segments) if slot < results]
    return min([number, *numbers])


def out_of(segment: Segment, slot: int, name: str) -> Out:
    """Result of a segment that was made of another thread's trace, which may have consumed it."""
    found = gone(segment)
    return Out(None if slot in found else segment, slot, name, found.get(slot))


def gone(segment: Segment) -> dict[int, CodeSite]:
    """Results of a segment that its trace, which goes on in another thread, has consumed since, with the lines."""
    t = segment.trace
    if t is None:
        return {}
    handles, lines = t.handles, dict[int, CodeSite]()
    for slot, by in consumed_within(t.so_far()).items():
        lines[slot] = site_of(t, handles[by]) if by < len(handles) else None
    return paths.spread(segment.path, lines | t.spent)
