"""Backward: cotangents from results to leaves, through the trace in progress and the segments behind it.

Each unit (the trace, then segments from young to old) is walked by one recorded step: a ``gradient`` of the
trace, a ``call`` of a segment's adjoint program. Where somebody acts on a cotangent (a hook, a retained
gradient, a custom rule, an input that a gradient is asked for) the step is split: that slot is a stop of the
first part and a root of the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.runtime.bracket import bracket
from tenure.values import force, paths, record, steps
from tenure.values.graph import Leaf, Out, Segment, Source
from tenure.values.handlers import Handler
from tenure.values.period import SHORT
from tenure.values.record import RECORDER, Trace
from tenure.values.replay import Replay
from tenure.values.roots import check_root
from tenure.values.segments import segment_gradient
from tenure.values.sites import here, site

Cotangents = dict[int, Any]


class TraceUnit:
    """The trace in progress."""

    number = float("inf")

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.first = True
        self.handlers = trace.handlers

    def deps(self, slot: int) -> tuple[int, ...]:
        """The source slots behind a slot."""
        return self.trace.deps(slot)

    def source(self, slot: int) -> Source:
        """Where the gradient goes on from a source slot."""
        return source_of(self.trace.inputs[~slot]) if slot < 0 else self.trace.marks.get(slot)

    def stage(self, cts: Cotangents, stops: tuple[int, ...], into: Cotangents, walk: Walk) -> Cotangents:
        """Cotangents of stops from those of roots."""
        first, self.first = self.first, False
        with steps.Hold(self.trace) as t:
            roots = tuple([(r, None if g is None else t.bind(g)) for r, g in cts.items()])
            slots = tuple([t.bind(into[s]) if s in into else None for s in stops])
            return steps.gradient(t, roots, stops, slots, walk.create_graph, walk.consume, first)

    def consume(self, roots: set[int]) -> None:
        """The path itself says what is consumed."""


class SegmentUnit:
    """A trace that has run."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.number = segment.number
        self.handlers = segment.handlers
        self.made = paths.steps(segment.node)

    def deps(self, slot: int) -> tuple[int, ...]:
        """The source slots behind a slot."""
        if slot < 0:
            return (slot,)
        step, k = self.made[slot]
        return step.depss[k]

    def source(self, slot: int) -> Source:
        """Where the gradient goes on from a source slot."""
        return self.segment.sources.get(slot)

    def stage(self, cts: Cotangents, stops: tuple[int, ...], into: Cotangents, walk: Walk) -> Cotangents:
        """Cotangents of stops from those of roots."""
        return segment_gradient(self.segment, cts, stops, into)

    def consume(self, roots: set[int]) -> None:
        """Results whose graph was walked, and those computed from them, become plain numbers."""
        leaves = paths.leaf_slots(self.segment.node)
        walked, where = paths.behind_roots(self.segment.node, tuple(sorted(roots))), here()
        for slot, reference in list(self.segment.outs.items()):
            out = reference()
            if out is not None and (slot in walked or paths.ancestors(self.made, [slot], leaves) & walked):
                out.consume(where)


Unit = TraceUnit | SegmentUnit


def source_of(x: Any) -> Source:
    """Where the gradient of a tensor from outside the trace goes."""
    if x._src is None and x._trace is not None:
        RECORDER.compute(x)
        if x._trace is not None:
            force.adopt(x._trace, x)
    return x._src  # type: ignore[no-any-return]


class Walk:
    """One backward: what has arrived where.

    ``leaves`` collects gradients of leaves, ``found`` those of the tensors asked for. With ``accumulate`` they
    are added to what the leaves hold; with ``final`` the walk ends at what is asked for.
    """

    def __init__(self, create_graph: bool, consume: bool, accumulate: bool) -> None:
        self.create_graph = create_graph
        self.consume = consume
        self.accumulate = accumulate
        self.final, self.walked = False, 0
        self.doubles: dict[Segment, Replay] = {}
        self.units: dict[Any, tuple[Unit, Cotangents]] = {}
        self.leaves: dict[Leaf, Any] = {}
        self.wanted: dict[tuple[Any, int], list[int]] = {}
        self.wanted_leaves: dict[Leaf, list[int]] = {}
        self.found: dict[int, Any] = {}

    def vertex(self, x: Any) -> tuple[Any, int] | Leaf | None:
        """Where a tensor stands in the graph: a slot of a unit, or a leaf."""
        t = RECORDER.trace
        if x._trace is t:
            return t, x._slot
        source = source_of(x)
        if isinstance(source, Out):
            if source.segment is None:
                raise steps.consumed_error(site(source.where))
            return self.standing(source.segment, source.slot)
        return source

    def standing(self, segment: Segment, slot: int) -> tuple[Any, int]:
        """A slot of a segment; where the walk is to be differentiated again, its double in the trace."""
        if not self.create_graph:
            return segment, slot
        if segment not in self.doubles:
            self.doubles[segment] = Replay(segment)
        h = self.doubles[segment].handle(slot)
        t = RECORDER.trace
        return t, t.bind(h)

    def want(self, x: Any, number: int) -> None:
        """Ask for the gradient with respect to a tensor."""
        at = self.vertex(x)
        if isinstance(at, Leaf):
            self.wanted_leaves.setdefault(at, []).append(number)
        elif at is not None:
            leaf = self.unit(at[0]).source(at[1])
            if isinstance(leaf, Leaf):
                self.wanted_leaves.setdefault(leaf, []).append(number)
            else:
                self.wanted.setdefault(at, []).append(number)

    def unit(self, of: Any) -> Unit:
        """The unit of a trace or segment."""
        if of not in self.units:
            self.units[of] = (TraceUnit(of) if isinstance(of, Trace) else SegmentUnit(of), {})
        return self.units[of][0]

    def arrive(self, at: tuple[Any, int] | Leaf | None, g: Any, *, summed: bool = False) -> None:
        """A cotangent has come to a vertex; ``summed`` if what was there is in it."""
        if isinstance(at, Leaf):
            held = self.held(at)
            self.leaves[at] = g if held is None or summed else held + g
        elif at is not None:
            self.unit(at[0])
            cts = self.units[at[0]][1]
            cts[at[1]] = g if at[1] not in cts or summed else cts[at[1]] + g

    def run(self) -> None:
        """Walk unit after unit, young to old."""
        self.refuse_consumed()
        while True:
            waiting = [(unit.number, of) for of, (unit, cts) in self.units.items() if cts]
            if not waiting:
                return
            of = max(waiting, key=lambda w: w[0])[1]
            unit, cts = self.units.pop(of)
            if isinstance(unit, TraceUnit):
                self.units[of] = (unit, {})
            roots = set(cts)
            self.walk(of, unit, cts)
            if self.consume:
                unit.consume(roots)
            self.walked += 0 if self.create_graph or isinstance(unit, TraceUnit) else unit.segment.node.size
            del cts  # what nobody holds is written in place
            if self.walked >= SHORT and RECORDER.open == 1 and any(cts for _, cts in self.units.values()):
                self.compute_so_far()

    def compute_so_far(self) -> None:
        """Run what is recorded, as a loop that was cut was run: every part of it takes the same program."""
        self.walked = 0
        put = vars(RECORDER).__setitem__
        bracket(((put, "open", 0),), ((put, "open", 1),), RECORDER.flush)

    def refuse_consumed(self) -> None:
        """TN382 before anything is recorded, if the graph leads into a consumed one; TN503 or TN506 if a gradient that
        it leads to is lent."""
        seen: set[Any] = set()
        stack: list[tuple[Any, int]] = [(of, s) for of, (_, cts) in self.units.items() for s in cts]
        while stack:
            of, slot = stack.pop()
            unit = TraceUnit(of) if isinstance(of, Trace) else SegmentUnit(of)
            for d in unit.deps(slot):
                source = unit.source(d)
                if self.accumulate and isinstance(source, Leaf) and source.grad is not None:
                    source.grad._refuse_write()
                if isinstance(source, Out) and (source, d) not in seen:
                    seen.add((source, d))
                    if source.segment is None:
                        raise steps.consumed_error(site(source.where))
                    stack.append((source.segment, source.slot))

    def walk(self, of: Any, unit: Unit, cts: Cotangents) -> None:
        """Walk one unit, from slot to slot where somebody acts on the cotangent."""
        special = set(unit.handlers) | {slot for (u, slot) in self.wanted if u is of}
        waiting: Cotangents = {}
        roots = self.sort(unit, cts, special, waiting)
        while roots or waiting:
            if not roots:
                slot = max(waiting)
                passed = self.act(of, unit, slot, waiting.pop(slot))
                roots = self.sort(unit, passed, special - {slot}, waiting)
                continue
            deps = dict.fromkeys([d for r in roots for d in unit.deps(r)])
            below = [s for s in special if s < max(roots) and s not in deps]
            stops = tuple(sorted([*[d for d in deps if self.interested(unit, d, special)], *below]))
            into = self.accumulators(unit, stops, special)
            found = unit.stage(roots, stops, into, self)
            plain = {s: g for s, g in found.items() if s not in into}
            for s in into:
                if s in found:
                    self.arrive(self.past(unit.source(s)), found[s], summed=True)
            roots = self.sort(unit, plain, special, waiting)

    def interested(self, unit: Unit, slot: int, special: set[int]) -> bool:
        """Whether a source's cotangent is asked for: of leaves only those, unless it is for all of them."""
        if self.accumulate or slot in special:
            return True
        source = unit.source(slot)
        return isinstance(source, Out) or (isinstance(source, Leaf) and source in self.wanted_leaves)

    def sort(self, unit: Unit, cts: Cotangents, special: set[int], waiting: Cotangents) -> Cotangents:
        """Part cotangents: those somebody acts on wait, those at sources leave the unit, the rest are roots."""
        roots: Cotangents = {}
        for slot, g in cts.items():
            if slot in special:
                waiting[slot] = g if slot not in waiting else waiting[slot] + g
            elif slot < 0 or unit.deps(slot) == (slot,):
                g = ones_like(unit, slot) if g is None else g
                source = unit.source(slot)
                self.arrive(self.past(source), g)
            else:
                roots[slot] = g
        return roots

    def past(self, source: Source) -> tuple[Any, int] | Leaf | None:
        """The vertex behind a source slot."""
        if not isinstance(source, Out):
            return source
        assert source.segment is not None
        return self.standing(source.segment, source.slot)

    def act(self, of: Any, unit: Unit, slot: int, g: Any) -> Cotangents:
        """Let those who asked for it see a cotangent; gives the cotangents to go on with."""
        if g is None:
            g = ones_like(unit, slot)
        handler: Handler | None = unit.handlers.get(slot)
        if handler is not None:
            g = handler.apply_hooks(g)
        for number in self.wanted.get((of, slot), ()):
            self.found[number] = g
        if self.final and (of, slot) in self.wanted:
            return {}
        if handler is not None and handler.rule is not None:
            return handler.apply_rule(g)
        return {slot: g}

    def accumulators(self, unit: Unit, stops: Sequence[int], special: set[int]) -> Cotangents:
        """What leaves and earlier results hold already, once for each, for the step to add to.

        So a sum of cotangents is taken in one order, wherever the trace was cut.
        """
        out: Cotangents = {}
        seen: set[Source] = set()
        for s in stops:
            leaf = unit.source(s) if s not in special else None
            if isinstance(leaf, Out) and leaf not in seen and not self.create_graph:
                seen.add(leaf)
                assert leaf.segment is not None
                held = self.units[leaf.segment][1].get(leaf.slot) if leaf.segment in self.units else None
                if held is not None:
                    out[s] = held
            if isinstance(leaf, Leaf) and leaf not in seen:
                seen.add(leaf)
                held = self.held(leaf)
                if held is not None:
                    out[s] = held
        return out

    def held(self, leaf: Leaf) -> Any:
        """What has arrived at a leaf, on top of what it held before; hooks see only what arrives."""
        if leaf in self.leaves:
            return self.leaves[leaf]
        adds = self.accumulate and leaf.grad is not None and not leaf.hooks
        return leaf.grad._read() if adds else None


def ones_like(unit: Unit, slot: int) -> Any:
    """The cotangent of a scalar root that somebody acts on."""
    assert isinstance(unit, TraceUnit)
    return steps.ones(unit.trace.aval(slot))


def run_walk(walk: Walk, roots: Sequence[Any], gradients: Sequence[Any], wanted: Sequence[Any]) -> None:
    """Start from the roots and walk; reads inside hooks do not end the trace."""
    for root, g in zip(roots, gradients, strict=True):
        check_root(root, g)
    for number, x in enumerate(wanted):
        walk.want(x, number)
    for root, g in zip(roots, gradients, strict=True):
        at = walk.vertex(root)
        if g is None and (len(roots) > 1 or at is None or isinstance(at, Leaf) or isinstance(at[0], Segment)):
            g = steps.ones(root._aval)
        walk.arrive(at, g)
    RECORDER.hold_open(walk.run)


def short_walk(root: Any, keep: bool) -> bool:
    """The usual backward in one step: one number of the trace in progress, leaves behind it, nobody in between.

    False, and nothing done, if it is not that.
    """
    t = RECORDER.trace
    if t.busy or t.handlers or (root._aval.shape and root._aval.size != 1):
        return False
    t.busy = True
    try:
        leaves = _plain_leaves(t, root)
        if leaves is not None:
            deps = root._deps
            into = tuple([None if leaf.grad is None else t.bind(held(leaf.grad)) for leaf in leaves])
            reached, gradients = steps.short_gradient(t, root, into, keep)
        t.busy = False
    except Exception:
        t.busy = not t.whole()
        raise
    if leaves is None:
        return False
    found = gradients if reached == deps else [dict(zip(reached, gradients, strict=True)).get(slot) for slot in deps]
    for slot, leaf, g in zip(deps, leaves, found, strict=True):
        if g is not None:
            deposit(leaf, g, summed=True)
        elif leaf.grad is None:
            deposit(leaf, steps.fill(t.aval(slot), 0), summed=True)
    return True


def _plain_leaves(t: Trace, root: Any) -> list[Leaf] | None:
    """The leaves behind a result of a trace that is held, none of them twice; None if there is anything else."""
    if root._trace is not t or t.done:
        return None
    inputs, marks = t.inputs, t.marks
    leaves: list[Any] = [marks.get(slot) if slot >= 0 else inputs[~slot]._src for slot in root._deps]
    for source in leaves:
        if type(source) is not Leaf or source.hooks:
            return None
    return leaves if len(leaves) == 1 or len(set(leaves)) == len(leaves) else None


def held(gradient: Any) -> Any:
    """What the place of a gradient holds, which is about to be written (TN503 or TN506 if it is lent)."""
    if gradient._loans is not None:
        gradient._refuse_write()
    return gradient._read()


def deposit(leaf: Leaf, g: Any, *, summed: bool) -> None:
    """Write a gradient to its place; ``summed`` if what the place held is in it."""
    if leaf.grad is None:
        leaf.grad = record._Var.of(g)
    else:
        leaf.grad._write(g if summed else leaf.grad._read() + g)
