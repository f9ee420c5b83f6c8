"""The usual walk through a segment: one step, with nobody to be shown a cotangent on the way.

``Walk.walk`` does the same for units with hooks, rules and requests, between which the step is split.
"""

from __future__ import annotations

from heapq import heappop
from typing import Any

from tenure.values.grad import spent
from tenure.values.grad.chains import Chain, chain_behind, is_final, linked, stops_of
from tenure.values.grad.segments import segment_gradient
from tenure.values.grad.units import Cotangents, SegmentUnit, Unit
from tenure.values.rules import spending
from tenure.values.rules.graph import Leaf, Out, Segment, Source
from tenure.values.rules.rules import Slots
from tenure.values.rules.sites import here, site
from tenure.values.trace.record import RECORDER


def straight(walk: Any, segment: Segment) -> bool:
    """Walk the unit that is next and consume it, if it is a segment seen before that nothing comes back to, in a
    ``plain`` walk. False, and nothing done, otherwise."""
    if segment.trace is not None or segment.handlers or segment.first:
        return False
    unit, cts = walk.units[segment]
    path = segment.path
    stops = stops_of(path, tuple(cts))
    if stops is None:
        return False
    heappop(walk.waiting)
    del walk.units[segment]
    _pass(walk, unit, segment, cts, stops)
    if walk.consume:
        if walk.where is None:
            walk.where = here()
        spending.spend(segment, cts, walk.where)
    walk.walked += path.size
    return True


def pass_through(walk: Any, unit: Unit, cts: Cotangents) -> bool:
    """Walk a segment without handlers in one step, if the walk is asked for gradients of leaves alone and makes no
    graph. False, and nothing done, otherwise, and if a root is a source itself."""
    if type(unit) is not SegmentUnit or unit.handlers or walk.create_graph or walk.wanted or walk.ends:
        return False
    segment = unit.segment
    link = linked(walk, segment, cts) if segment.first else None
    if link is not None:
        pass_chain(walk, chain_behind(walk, link))
        return True
    stops = stops_of(segment.path, tuple(cts))
    if stops is None:
        return False
    sources = segment.sources
    if not walk.accumulate:
        stops = tuple([s for s in stops if type(sources.get(s)) is Out or walk.is_wanted(sources.get(s))])
    _pass(walk, unit, segment, cts, stops)
    return True


def _pass(walk: Any, unit: SegmentUnit, segment: Segment, cts: Cotangents, stops: Slots) -> None:
    """Go from the roots of a segment to its ``stops``, in one step."""
    sources = segment.sources
    final = tuple([s for s in stops if isinstance(sources.get(s), Leaf)])
    into = accumulators(walk, sources, stops)
    numbers = [s for s in cts if (segment, s) in walk.numbers] if walk.numbers else ()
    found, selected = segment_gradient(segment, cts, stops, final, numbers, into, False)
    if walk.before:
        walk.stages.append((unit, cts, stops, final, into))
    for s in into:
        if s in found:
            send(walk, sources.get(s), found.pop(s), True, s in selected)
    for s, g in found.items():
        send(walk, sources.get(s), g, False, s in selected)


def pass_chain(walk: Any, chain: Chain) -> None:
    """Walk a chain of segments in one step."""
    sources = {k: chain.source(k) for k in range(len(chain.ends))}
    into = accumulators(walk, sources, tuple(sources))
    final = is_final(chain)
    found, _ = chain.stage({}, (), final, into, walk)
    if walk.before:
        walk.stages.append((chain, {}, (), final, into))
    for k, g in found.items():
        send(walk, sources[k], g, k in into, False)
    chain.consume(walk)


def accumulators(walk: Any, sources: dict[int, Source], stops: Slots) -> Cotangents:
    """Sums so far of the leaves and earlier results behind some stops, once for each."""
    into, seen, units, known = Cotangents(), set[Any](), walk.units, walk.leaves
    for s in stops:
        source = sources.get(s)
        if type(source) is Out:
            at = units.get(unit_of(source))
            held = None if at is None else at[1].get(source.slot)
        elif source is None:
            continue
        else:
            held = known[source] if source in known else walk.held(source)
        if held is not None and source not in seen:
            seen.add(source)
            into[s] = held
    return into


def send(walk: Any, source: Source, g: Any, summed: bool, selected: bool) -> None:
    """Add a cotangent to a source, as ``walk.arrive``; TN382 if another thread has consumed it meanwhile."""
    if type(source) is not Out:
        walk.arrive(source, g, summed=summed, selected=selected)
        return
    segment = segment_of(source)
    walk.come(segment if segment.trace is None else unit_of(source), source.slot, g, summed, selected)


def unit_of(out: Out) -> Any:
    """Unit of a result: its segment, or the trace in progress that another thread has made this one of."""
    segment = out.segment
    shared = segment is not None and segment.trace is not None and segment.trace is RECORDER.trace
    return segment.trace if segment is not None and shared else segment


def segment_of(out: Out) -> Segment:
    """Segment of a result; TN382 if another thread has consumed it meanwhile."""
    segment = out.segment
    if segment is None:
        raise spent.error(site(out.where))
    return segment
