"""Backward: cotangents from results to leaves, through the trace in progress and the segments behind it.

Each unit (the trace, then segments from young to old) is walked by one recorded step: a ``gradient`` of the trace, a
``call`` of a segment's adjoint program. Where a handler acts on a cotangent (a hook, a retained gradient, a custom
rule, an input that a gradient is asked for) the step is split: its slot is a stop of one part, a root of the next.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Collection, Sequence
from heapq import heappush
from math import inf
from typing import Any

from tenure.runtime.bracket import bracket
from tenure.values.grad import spent, steps
from tenure.values.grad.asked import Asked
from tenure.values.grad.beforehand import refuse_consumed
from tenure.values.grad.completing import Completion
from tenure.values.grad.gradients import add, replace
from tenure.values.grad.handlers import Handler
from tenure.values.grad.passing import segment_of, straight, unit_of
from tenure.values.grad.reopening import Reopened
from tenure.values.grad.replay import Replay
from tenure.values.grad.sparse_place import RowsPlace
from tenure.values.grad.units import Cotangents, SegmentUnit, TraceUnit, Unit, ones_like, path_of, rank, source_of
from tenure.values.grad.ways_back import arrivals, next_handler, next_leading, older, step
from tenure.values.rules import paths
from tenure.values.rules.graph import CodeSite, Leaf, Out, RowLeaf, Segment, Source
from tenure.values.rules.sites import here, site
from tenure.values.trace.record import RECORDER
from tenure.values.trace.trace import Trace

Arrival = tuple[Leaf, Any]

SEVERAL = 8
"""Special slots of a unit from which on each part of its walk is given those that it meets alone."""
SHORT = 192
"""Operations of segments after whose walk a backward computes what it has so far."""


class Walk:
    """One backward pass: the cotangents that have arrived, by vertex.

    ``leaves`` collects gradients of leaves, ``found`` those of the tensors asked for. With ``accumulate`` they
    are added to what the leaves hold, ``before``; with ``final`` the walk ends at what is asked for. ``stages`` and
    ``direct`` are how gradients have come to leaves that held some; ``numbers`` are the vertices of whose cotangent all
    elements are selected. ``ends`` has a leaf for each result that is asked for and whose own graph is consumed.
    ``notes`` has for results of a rule which of them a cotangent came to, where the rule asks.
    ``waiting`` is a heap of the units that cotangents have arrived at, ``within`` those that are being walked, ``met``
    what the walk of the last one meets. ``completion`` says when leaves are complete, with hooks; ``hooked`` are
    leaves that have been finished so, ``ended`` the gradients of those asked for.
    """

    def __init__(self, create_graph: bool, consume: bool, accumulate: bool) -> None:
        self.create_graph = create_graph
        self.consume = consume
        self.accumulate = accumulate
        self.final, self.walked = False, 0
        self.where: CodeSite = None
        self.doubles: dict[Segment, Replay] = {}
        self.units: dict[Any, tuple[Unit, Cotangents]] = {}
        self.waiting: list[tuple[float, int, Any]] = []
        self.within: list[Any] = []
        self.met: dict[int, frozenset[int]] | None = None
        self.leaves: dict[Leaf, Any] = {}
        self.before: dict[Leaf, Any] = {}
        self.stages: list[tuple[Unit, Cotangents, tuple[int, ...], tuple[int, ...], Cotangents]] = []
        self.direct: list[Arrival] = []
        self.asked = Asked()
        self.wanted: dict[tuple[Any, int], dict[int, None]] = {}
        self.wanted_leaves: dict[Leaf, list[int]] = {}
        self.ends: dict[Out, Leaf] = {}
        self.found: dict[int, Any] = {}
        self.notes: dict[Any, set[int]] = {}
        self.numbers: set[tuple[Any, int]] = set()
        self.reopened = Reopened()
        self.completion: Completion | None = None
        self.hooked: dict[Leaf, None] = {}
        self.ended: dict[Leaf, Any] = {}

    def vertex(self, x: Any) -> tuple[Any, int] | Leaf | None:
        """Vertex of a tensor in the graph: a slot of a unit, or a leaf."""
        t = RECORDER.trace
        if x._trace is t:
            return t, x._slot
        source = source_of(x)
        if isinstance(source, Out):
            if source.segment is None:
                raise spent.error(site(source.where))
            return self.standing(source.segment, source.slot)
        return source

    def standing(self, segment: Segment, slot: int) -> tuple[Any, int]:
        """Vertex of a segment's slot; in a walk with ``create_graph`` its double in the trace. What another thread has
        made a segment of stands in the trace in progress itself."""
        if segment.trace is not None and segment.trace is RECORDER.trace:
            return segment.trace, slot
        if not self.create_graph or segment.lean:
            return segment, slot
        if segment not in self.doubles:
            self.doubles[segment] = Replay(segment)
        h = self.doubles[segment].handle(slot)
        t = RECORDER.trace
        self.want_twins(t)
        return t, t.bind(h)

    def want(self, x: Any, number: int) -> None:
        """Request the gradient with respect to a tensor."""
        source = source_of(x) if x._trace is not RECORDER.trace else None
        if isinstance(source, Out) and source.segment is None:
            self.wanted_leaves.setdefault(self.ends.setdefault(source, Leaf()), []).append(number)
            return
        at = self.vertex(x)
        leaf = self.unit(at[0]).source(at[1]) if isinstance(at, tuple) else at
        if isinstance(leaf, Leaf):
            self.wanted_leaves.setdefault(leaf, []).append(number)
        elif isinstance(at, tuple):
            self.wanted.setdefault(at, {})[number] = None

    def want_twins(self, of: Any) -> None:
        """Request the gradients with respect to the doubles in a unit of what is asked for."""
        for slot, number in self.asked.doubles(of):
            self.wanted.setdefault((of, slot), {})[number] = None

    def source(self, unit: Unit, slot: int) -> Source:
        """Source behind a source slot of a unit."""
        return self.behind(unit, unit.source(slot))

    def behind(self, unit: Unit, source: Source) -> Source:
        """Source of a unit as the walk sees it: none, if its graph is consumed and nothing asked for lies behind it."""
        if isinstance(source, Out) and source not in self.ends:
            lost = source.segment is None and self.final and not self.wanted_leaves
            return None if lost and self.asked.is_past(self.wanted, unit.number) else source
        return self.ends.get(source, source)  # type: ignore[arg-type]

    def unit(self, of: Any) -> Unit:
        """Unit of a trace or segment."""
        found = self.units.get(of)
        if found is None:
            found = self.units[of] = (TraceUnit(of) if isinstance(of, Trace) else SegmentUnit(of), {})
            if self.asked.numbers:
                self.want_twins(of)
        return found[0]

    def arrive(self, at: tuple[Any, int] | Leaf | None, g: Any, summed: bool = False, selected: bool = False) -> None:
        """Add a cotangent to a vertex; ``summed`` if it contains the sum so far, ``selected`` if all its elements are
        selected."""
        if isinstance(at, Leaf):
            held = None if summed else self.held(at)
            self.leaves[at] = g if held is None else held + g
            if at in self.before and not summed:
                self.direct.append((at, g))
        elif at is not None:
            self.come(*at, g, summed, selected)

    def come(self, of: Any, slot: int, g: Any, summed: bool, selected: bool) -> None:
        """Add a cotangent to a slot of a unit, as ``arrive``."""
        at = self.units.get(of)
        if at is None:
            self.unit(of)
            at = self.units[of]
        unit, cts = at
        if selected:
            self.numbers.add((of, slot))
        if not cts:
            heappush(self.waiting, (-unit.number, len(self.waiting), of))
        cts[slot] = g if summed or slot not in cts else cts[slot] + g

    def run(self) -> None:
        """Walk all units, young to old."""
        if refuse_consumed(self):
            self.completion = Completion(self)
        plain = self.accumulate and not (self.create_graph or self.wanted or self.ends)
        while self.waiting:
            of = self.waiting[0][2]
            if not (plain and type(of) is Segment and straight(self, of)):
                step(self, of)
            pays = self.walked >= SHORT and RECORDER.open == 1 and self.waiting
            if pays and RECORDER.trace not in [w[2] for w in self.waiting]:
                self.compute_so_far()

    def compute_so_far(self) -> None:
        """Run the pending trace, as a loop that was cut was run: every part of it then takes the same program."""
        bracket((), ((vars(RECORDER).__setitem__, "open", 1),), self._compute_so_far)

    def _compute_so_far(self) -> None:
        self.direct += [gs for stage in self.stages if stage[0].number == inf for gs in self.walk_again(*stage)]
        self.stages = [stage for stage in self.stages if stage[0].number != inf]  # they can be walked at any time
        self.walked = RECORDER.open = 0
        RECORDER.flush()

    def walk(self, of: Any, unit: Unit, cts: Cotangents) -> None:
        """Walk one unit, from slot to slot with a handler or a request. A handler acts when all has arrived that leads
        to its slot, by way of other units too."""
        waiting: Cotangents = {}
        special = self.special(of, unit, cts)
        roots = self.sort(unit, cts, special, waiting)
        while roots or waiting:
            if not roots:
                if more := arrivals(self, of):
                    special = self.special(of, unit, {**waiting, **more})
                    roots = self.sort(unit, more, special, waiting)
                    continue
                slot = next_handler(self, of, unit, waiting)
                waits = slot in unit.handlers and self.handed_to(of, unit, slot) is None
                if waits and (other := next_leading(self, of, slot)) is not None:
                    step(self, other)
                    continue
                if self.completion is not None and slot in unit.handlers:
                    self.completion.before(self, rank(unit, slot))
                passed = self.act(of, unit, slot, waiting.pop(slot))
                roots = self.sort(unit, passed, special - {slot}, waiting)
                continue
            deps = dict.fromkeys([d for r in roots for d in self.deps(unit, r)])
            below = [s for s in special if s < max(roots) and s not in deps] if self.met is None else []
            ahead = [d for d in deps if d not in roots and self.interested(unit, d, special)]
            stops = tuple(sorted([*ahead, *below]))
            into = self.accumulators(unit, stops, special)
            final = tuple([s for s in stops if self.closes(of, unit, s, special)])
            found, selected = unit.stage(roots, stops, final, into, self)
            if self.before:
                self.stages.append((unit, roots, stops, final, into))
            plain = {s: g for s, g in found.items() if s not in into}
            for s in into:
                if s in found:
                    self.arrive(self.past(self.source(unit, s)), found[s], summed=True, selected=s in selected)
            roots = self.sort(unit, plain, special, waiting, selected)

    def special(self, of: Any, unit: Unit, cts: Cotangents) -> set[int]:
        """Slots with a handler or a request behind some cotangents, all that are left of a unit."""
        behind = paths.ancestors(path_of(of), cts) if unit.handlers else set()
        if behind and not self.accumulate:
            inputs = [s for at, h in [*unit.handlers.items()] if at in behind for s in h.inputs]
            behind &= self.leading(of, unit, [*cts, *inputs])
        found = (unit.handlers.keys() & behind) | {slot for (u, slot) in self.wanted if u is of}
        self.met = paths.met(path_of(of), cts, found) if len(found) >= SEVERAL else None
        return found

    def leading(self, of: Any, unit: Unit, slots: Sequence[int]) -> set[int]:
        """Slots whose cotangent leads to what is asked for: no hook is called on another."""
        found = {slot for u, slot in self.wanted if u is of}
        found.update([d for s in slots for d in unit.deps(s) if self.interested(unit, d, found)])
        for slot, (made, _) in enumerate(paths.steps(path_of(of))):
            if not found.isdisjoint(made.args):
                found.add(slot)
        return found

    def deps(self, unit: Unit, slot: int) -> Collection[int]:
        """Sources behind a slot; in a walk with several special slots, what it meets first."""
        found = None if self.met is None else self.met.get(slot)
        return unit.deps(slot) if found is None else found

    def interested(self, unit: Unit, slot: int, special: set[int]) -> bool:
        """Whether a source's cotangent is asked for: of leaves only ``inputs``, unless the pass is for all of them; of
        the argument of a transform, which other sources may be behind, if it is wanted itself."""
        if slot in special:
            return True
        source = self.source(unit, slot)
        if source is None or self.accumulate:
            return source is not None
        return self.asked.leads(source) if isinstance(source, Out) else self.is_wanted(source)

    def is_wanted(self, source: Source) -> bool:
        """Whether the gradient of a leaf, or of that which it is rows of, is asked for."""
        return (source.of if isinstance(source, RowLeaf) else source) in self.wanted_leaves

    def closes(self, of: Any, unit: Unit, slot: int, special: set[int]) -> bool:
        """Whether a stop's cotangent is a final gradient, behind which nothing is walked."""
        if slot in special:
            return self.final and (of, slot) in self.wanted and slot not in unit.handlers
        return isinstance(self.source(unit, slot), Leaf)

    def sort(
        self, unit: Unit, cts: Cotangents, special: set[int], waiting: Cotangents, selected: Collection[int] = ()
    ) -> Cotangents:
        """Partition of cotangents: those with handlers wait, those at sources leave the unit, the rest are roots."""
        roots: Cotangents = {}
        for slot, g in cts.items():
            if slot in special:
                waiting[slot] = g if slot not in waiting else waiting[slot] + g
            elif slot < 0 or tuple(self.deps(unit, slot)) == (slot,):
                g = ones_like(unit, slot) if g is None else g
                source = self.source(unit, slot)
                self.arrive(self.past(source), g, selected=slot in selected)
            else:
                roots[slot] = g
        return roots

    def past(self, source: Source) -> tuple[Any, int] | Leaf | None:
        """Vertex behind a source slot."""
        if not isinstance(source, Out):
            return source
        return self.standing(segment_of(source), source.slot)

    def handed_to(self, of: Any, unit: Unit, slot: int) -> tuple[Any, int] | None:
        """Vertex whose handlers act for those of a double; None if there is none."""
        whose = unit.handlers[slot].of if slot in unit.handlers else None
        at = None if whose is None or whose.segment is None else self.standing(whose.segment, whose.slot)
        return None if at == (of, slot) else at

    def act(self, of: Any, unit: Unit, slot: int, g: Any) -> Cotangents:
        """Run the hooks and rules of a vertex on its cotangent; gives the cotangents to go on with."""
        if g is None:
            g = ones_like(unit, slot)
        handler: Handler | None = unit.handlers.get(slot)
        if (at := self.handed_to(of, unit, slot)) is not None:
            self.arrive(at, steps.settle(g))
            return {}
        if handler is not None and (one := older(self, of, slot)) is not None:
            self.arrive((one, slot), steps.settle(g))
            return {}
        if handler is not None and (handler.hooks or handler.keep is not None):
            shown = steps.settle(g)
            left = handler.apply_hooks(shown)
            g = g if left is shown else steps.settle(left)
        for number in self.wanted.get((of, slot), ()):
            passed = g if self.closes(of, unit, slot, {slot}) else steps.settle(g)
            self.found[number] = self.found[number] + passed if number in self.found else passed
        if self.final and (of, slot) in self.wanted:
            return {}
        if handler is not None and handler.refuse is not None:
            if self.leads(of, unit, handler.inputs[1:]):
                raise handler.refuse()
            return {handler.inputs[0]: g}
        if handler is not None and handler.rule is not None:
            if self.consume and handler.keeps and isinstance(of, Trace):
                of.spent[slot] = self.where = self.where or here()
            passed = handler.apply_rule(steps.settle(g), RECORDER.trace if self.create_graph else None, self.notes)
            return {s: steps.settle(gx) for s, gx in passed.items()}
        return {slot: g}

    def leads(self, of: Any, unit: Unit, slots: Sequence[int]) -> bool:
        """Whether cotangents of some slots reach a requested vertex."""
        behind = {*slots, *paths.ancestors(path_of(of), slots)}
        sources = {d: self.source(unit, d) for s in slots for d in unit.deps(s)}
        leaves = [s for s in sources.values() if isinstance(s, Leaf) and (self.accumulate or self.is_wanted(s))]
        past = leaves or any(isinstance(s, Out) for s in sources.values())
        return bool(past) or any((of, s) in self.wanted for s in behind | sources.keys())

    def accumulators(self, unit: Unit, stops: Sequence[int], special: set[int]) -> Cotangents:
        """Accumulators of a step: gradients that leaves and earlier results hold already, once for each.

        So a sum of cotangents is taken in one order, wherever the trace was cut.
        """
        out: Cotangents = {}
        seen: set[Source] = set()
        for s in stops:
            leaf = self.source(unit, s) if s not in special else None
            if isinstance(leaf, Out) and leaf not in seen and not self.create_graph:
                seen.add(leaf)
                segment_of(leaf)
                of = unit_of(leaf)
                held = self.units[of][1].get(leaf.slot) if of in self.units else None
                if held is not None:
                    out[s] = held
            if isinstance(leaf, Leaf) and leaf not in seen:
                seen.add(leaf)
                held = self.held(leaf)
                if held is not None:
                    out[s] = held
        return out

    def held(self, leaf: Leaf) -> Any:
        """Sum of the cotangents of a leaf so far, on top of its gradient; for a leaf with hooks, without its
        gradient."""
        if leaf in self.leaves:
            return self.leaves[leaf]
        sparse = type(leaf) is RowLeaf or type(leaf.grad) is RowsPlace
        if not self.accumulate or leaf.grad is None or leaf.hooks or sparse:
            return None
        self.before[leaf] = before = leaf.grad._read()
        return before

    def settle(self, leaf: Leaf) -> None:
        """Write the new gradient of a leaf that had one."""
        g, before = self.leaves.pop(leaf, None), self.before.pop(leaf)
        if g is not None and not replace(leaf, g, before):
            add(leaf, self.arrived(leaf))

    def arrived(self, leaf: Leaf) -> Any:
        """Contribution of this pass alone to a leaf, recorded once more: its gradient was written meanwhile."""
        again = [gs for stage in self.stages for gs in self.walk_again(*stage)]
        return functools.reduce(operator.add, [g for at, g in (*self.direct, *again) if at is leaf])

    def walk_again(
        self, unit: Unit, roots: Cotangents, stops: tuple[int, ...], final: tuple[int, ...], into: Cotangents
    ) -> list[Arrival]:
        """Contribution of one stage alone to leaves."""
        found, _ = unit.stage(roots, stops, final, {}, self)
        return [(at, found[s]) for s in into if s in found and isinstance(at := self.source(unit, s), Leaf)]
