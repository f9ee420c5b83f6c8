"""Backward of one number through custom rules, in a trace that has neither hooks nor requests.

    y = f(x); z = g(y)      rules of f and g       z → stage → g's rule → stage → f's rule → stage → leaves

``Walk`` does the same for whatever stands in the way. Where the parts of the walk end depends on the path alone, so it
is found once for a path.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

from tenure.values.grad import steps
from tenure.values.grad.gradients import add, held, replace
from tenure.values.grad.sparse_place import RowsPlace
from tenure.values.rules import paths
from tenure.values.rules.expand import expand_mark
from tenure.values.rules.graph import CodeSite, Leaf
from tenure.values.rules.paths import ARGUMENT, BY_RULE, KEEPING, LEAF
from tenure.values.rules.rows import Path
from tenure.values.rules.sites import here
from tenure.values.trace.record import RECORDER
from tenure.values.trace.trace import Trace

Cotangents = dict[int, Any]


class Ways:
    """The results between a result and its sources: ``ruled`` are those of rules, ``met`` has for each the slots that
    a walk from there meets first."""

    __slots__ = ("met", "ruled", "sources", "stages")

    def __init__(self, path: Path, slot: int) -> None:
        made = paths.steps(path)
        self.ruled: set[int] = set()
        plain = True
        for s in paths.ancestors(path, [slot]):
            step = made[s][0]
            mark = step.params if step.expand is expand_mark else LEAF
            plain = plain and step.level is None and mark != ARGUMENT
            if mark in (BY_RULE, KEEPING):
                self.ruled.add(s)
        self.met = paths.met(path, [slot], self.ruled) if plain else None
        self.sources = paths.reached(path, slot)
        self.stages: dict[tuple[int, ...], tuple[tuple[int, ...], tuple[int, ...]]] = {}

    def stage(self, roots: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Stops of a part of the walk, and those that are sources."""
        if roots not in self.stages:
            assert self.met is not None
            stops = tuple(sorted({d for r in roots for d in self.met[r] if d not in roots}))
            self.stages[roots] = stops, tuple([s for s in stops if s not in self.ruled])
        return self.stages[roots]


def ways_of(path: Path, slot: int) -> Ways:
    """The ways from a result of a path; cached."""
    key = "ways", slot
    if key not in path.plans:
        path.plans[key] = Ways(path, slot)
    found: Ways = path.plans[key]
    return found


def ruled_walk(root: Any, keep: bool) -> bool:
    """Backward of one number of the trace in progress through rules, to leaves. False, and nothing done, if it is not
    that."""
    t = RECORDER.trace
    if root._trace is not t or t.busy or t.done or t.spent or (root._aval.shape and root._aval.size != 1):
        return False
    for handler in t.handlers.values():
        if not handler.is_rule:
            return False
    ways = ways_of(t.point(), root._slot)
    if ways.met is None or not ways.ruled <= t.handlers.keys():
        return False
    leaves = {s: t.marks.get(s) if s >= 0 else t.inputs[~s]._src for s in ways.sources}
    if len(set(leaves.values())) < len(leaves):
        return False
    for leaf in leaves.values():
        if type(leaf) is not Leaf or leaf.hooks or type(leaf.grad) is RowsPlace:
            return False
    RECORDER.hold_open(Ruled(t, ways, leaves, None if keep else here()).run, root._slot)
    return True


class Ruled:
    """One such backward: the gradients ``found``, of leaves that had one, ``before``, on top of it; and how they have
    come, ``direct`` or by ``stages``; ``notes`` are those of rules that ask."""

    __slots__ = ("before", "consume", "direct", "found", "leaves", "notes", "stages", "trace", "waiting", "ways")

    def __init__(self, trace: Trace, ways: Ways, leaves: dict[int, Any], consume: CodeSite) -> None:
        self.trace, self.ways, self.leaves, self.consume = trace, ways, leaves, consume
        self.before = {leaf: held(leaf.grad) for leaf in leaves.values()}
        self.found: dict[Leaf, Any] = {}
        self.notes: dict[Any, set[int]] = {}
        self.direct: list[tuple[Leaf, Any]] = []
        self.stages: list[tuple[tuple[tuple[int, int | None], ...], tuple[int, ...], tuple[int, ...]]] = []
        self.waiting: Cotangents = {}

    def run(self, slot: int) -> None:
        """Walk from a result to the leaves, and write their gradients."""
        roots, first = self.sort({slot: None}), True
        while roots or self.waiting:
            if roots:
                roots, first = self.stage(roots, first), False
            else:
                roots = self.act(max(self.waiting))
        for leaf, g in self.found.items():
            if not replace(leaf, g, self.before[leaf]):
                add(leaf, self.alone(leaf))

    def alone(self, leaf: Leaf) -> Any:
        """Contribution of this backward alone to a leaf, recorded once more: its gradient was written meanwhile."""
        found = [g for at, g in self.direct if at is leaf]
        for given, stops, final in self.stages:
            with steps.Hold(self.trace) as t:
                parts = steps.gradient(t, given, stops, final, (None,) * len(stops), False, False, False)
            found += [g for s, g in parts.items() if self.leaves.get(s) is leaf]
        return functools.reduce(operator.add, found)

    def so_far(self, leaf: Leaf) -> Any:
        """Gradient of a leaf on top of what it had, None if there is none."""
        return self.found[leaf] if leaf in self.found else self.before[leaf]

    def sort(self, cotangents: Cotangents) -> Cotangents:
        """Cotangents that are at no source, and at no result of a rule."""
        roots: Cotangents = {}
        for slot, g in cotangents.items():
            if slot in self.ways.ruled:
                self.waiting[slot] = self.waiting[slot] + g if slot in self.waiting else g
            elif slot in self.leaves:
                leaf = self.leaves[slot]
                g = steps.ones(self.trace.kind(slot).aval) if g is None else g
                self.direct.append((leaf, g))
                before = self.so_far(leaf)
                self.found[leaf] = g if before is None else before + g
            else:
                roots[slot] = g
        return roots

    def stage(self, roots: Cotangents, first: bool) -> Cotangents:
        """One step from some results to what a walk from there meets first."""
        stops, final = self.ways.stage(tuple(roots))
        before = {s: g for s in final if (g := self.so_far(self.leaves[s])) is not None}
        with steps.Hold(self.trace) as t:
            given = tuple([(r, None if g is None else t.bind(g)) for r, g in roots.items()])
            into = tuple([t.bind(before[s]) if s in before else None for s in stops])
            found = steps.gradient(t, given, stops, final, into, False, self.consume is not None, first)
        self.stages.append((given, stops, final))
        inner = {}
        for s, g in found.items():
            if s in self.leaves:
                self.found[self.leaves[s]] = g
            else:
                inner[s] = g
        return self.sort(inner)

    def act(self, slot: int) -> Cotangents:
        """Apply the rule of a result to its cotangent."""
        t, g = self.trace, self.waiting.pop(slot)
        handler = t.handlers[slot]
        if self.consume is not None and handler.keeps:
            t.spent[slot] = self.consume
        g = steps.ones(t.kind(slot).aval) if g is None else g
        passed = handler.apply_rule(steps.settle(g), None, self.notes)
        return self.sort({s: steps.settle(gx) for s, gx in passed.items()})
