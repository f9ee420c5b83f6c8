"""Ways back: units from which a cotangent comes to one that is walked already, or is older by its number.

    z = f(w); u = in_a_thread(g, z); out = (u + h(z)).sum()        the thread's trace has f and h before and behind it

Units are walked young to old, by when they have run. Of a trace that other threads have read in turns not all of one is
older than all of another. So a handler waits for the units that lead to its slot, and a unit is consumed when none
leads to it any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop
from typing import Any

from tenure.values.grad.passing import pass_through
from tenure.values.grad.units import Cotangents, TraceUnit, Unit, path_of, rank
from tenure.values.rules import paths
from tenure.values.rules.graph import Out, Segment
from tenure.values.rules.sites import here
from tenure.values.trace.trace import Trace

Vertices = set[tuple[Segment, int]]


def trace_of(of: Any) -> Any:
    """The trace that a unit is one of several of; None if it is the only one."""
    return (of if of.segments else None) if isinstance(of, Trace) else of.trace


def arrivals(walk: Any, of: Any) -> Cotangents:
    """Cotangents that have arrived at a unit while it is walked, by way of others; they are taken from there."""
    unit, found = walk.units.get(of, (None, {}))
    if found:
        walk.units[of] = (unit, {})
        if walk.waiting[0][2] is of:
            heappop(walk.waiting)
        else:
            walk.waiting = [w for w in walk.waiting if w[2] is not of]
            heapify(walk.waiting)
    return found  # type: ignore[no-any-return]


def reached(walk: Any, of: Any, slots: Iterable[int], since: int = -1) -> Vertices:
    """Results of run traces that the gradient of some slots of a unit comes to, by way of none older than ``since``."""
    found: Vertices = set()
    stack = [(of, s) for s in slots]
    while stack:
        at, slot = stack.pop()
        for source in walk.unit(at).behind(slot):
            segment = source.segment if isinstance(source, Out) and source not in walk.ends else None
            if segment is not None and segment.number >= since and (segment, source.slot) not in found:
                found.add((segment, source.slot))
                stack.append((segment, source.slot))
    return found


def next_leading(walk: Any, of: Any, slot: int | None = None) -> Any:
    """The youngest unit that waits and leads to a unit, or to one slot of it, or to what that is a double of; None
    without one."""
    handler = None if slot is None else walk.units[of][0].handlers.get(slot)
    whose = None if handler is None or handler.of is None or handler.of.segment is None else handler.of
    t = trace_of(of)
    if not walk.waiting or (whose is None and t is None):
        return None
    alone = t is None and whose is not None and whose.segment.trace is None
    since = whose.segment.number if alone and whose is not None else -1

    def is_there(segment: Segment, at: int) -> bool:
        if whose is not None and segment is whose.segment:
            return whose.slot in paths.ancestors(segment.path, [at])
        same = segment is of or (t is not None and segment.trace is t)
        return same and (slot is None or slot in paths.ancestors(segment.path, [at]))

    for _, _, other in sorted(walk.waiting, key=lambda w: w[:2]):
        if not isinstance(other, Segment) or other in walk.within or akin(other, of) or other.number < since:
            continue
        if whose is not None and (other is whose.segment or akin(other, whose.segment)):
            continue  # what is handed on arrives there in time
        if any(is_there(*vertex) for vertex in reached(walk, other, walk.units[other][1], since)):
            return other
    return None


def next_handler(walk: Any, of: Any, unit: Unit, waiting: Cotangents) -> int:
    """The slot that is next to act: one that is only asked for, whose parts are summed; the handler of the highest
    rank; of several doubles of one result one that hands on."""
    asked = [s for s in waiting if s not in unit.handlers]
    if asked:
        return max(asked)
    ranks = {s: rank(unit, s) for s in waiting}
    slot = max(waiting, key=ranks.__getitem__)
    same = [s for s in waiting if ranks[s] == ranks[slot]]
    return slot if len(same) == 1 else next((s for s in same if walk.handed_to(of, unit, s) is not None), slot)


def akin(a: Any, b: Any) -> bool:
    """Whether two units are of one trace."""
    t = trace_of(a)
    return t is not None and t is trace_of(b)


def older(walk: Any, of: Any, slot: int) -> Segment | None:
    """An older segment of the same trace, at which cotangents wait that come to a slot of both."""
    for _, _, one in walk.waiting if trace_of(of) is not None else ():
        younger = isinstance(of, Trace) or (isinstance(one, Segment) and one.number < of.number)
        if one is not of and younger and akin(one, of) and slot in paths.ancestors(path_of(one), walk.units[one][1]):
            return one  # type: ignore[no-any-return]
    return None


def step(walk: Any, of: Any) -> None:
    """Walk one unit, and again what comes back to it; then consume it."""
    unit: Unit = walk.units[of][0]
    roots = set[int]()
    shared = not isinstance(unit, TraceUnit) and trace_of(of) is not None
    walk.within.append(of)
    met = walk.met
    while cts := arrivals(walk, of):
        if shared and not roots:
            inside = {segment for segment, _ in reached(walk, of, cts)}
            other = next_leading(walk, of)
            if other is not None and other not in inside:
                for s, g in cts.items():
                    walk.arrive((of, s), g)
                step(walk, other)
                continue
        roots |= cts.keys()
        if not pass_through(walk, unit, cts):
            walk.walk(of, unit, cts)
        del cts  # buffers without a holder are written in place
        while shared and (other := next_leading(walk, of)) is not None:
            step(walk, other)
    walk.within.pop()
    walk.met = met
    if walk.consume:
        walk.where = walk.where or here()
        unit.consume(roots, [s for u, s in walk.wanted if u is of] if walk.final else (), walk.where)
    walk.walked += 0 if walk.create_graph or isinstance(unit, TraceUnit) else unit.segment.path.size
    if isinstance(of, Segment) and not walk.units[of][1]:
        del walk.units[of]
