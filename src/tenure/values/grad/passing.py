"""The usual walk through a segment: one step, with nobody to be shown a cotangent on the way.

``Walk.walk`` does the same for units with hooks, rules and requests, between which the step is split.
"""

from __future__ import annotations

from typing import Any

from tenure.values.grad import steps
from tenure.values.grad.units import Cotangents, SegmentUnit, Unit
from tenure.values.rules import paths
from tenure.values.rules.graph import Leaf, Out, Segment
from tenure.values.rules.rows import Path
from tenure.values.rules.rules import Slots
from tenure.values.rules.sites import site


def stops_of(path: Path, roots: Slots) -> Slots | None:
    """Sources behind some results of a path, ascending; None if one of the results is a source itself. Cached."""
    key = "stops", roots
    if key not in path.plans:
        found = {d for r in roots for d in paths.reached(path, r)}
        path.plans[key] = None if not found.isdisjoint(roots) else tuple(sorted(found))
    stops: Slots | None = path.plans[key]
    return stops


def pass_through(walk: Any, unit: Unit, cts: Cotangents) -> bool:
    """Walk a segment without handlers in one step, if the walk is asked for gradients of leaves alone and makes no
    graph. False, and nothing done, otherwise, and if a root is a source itself."""
    if not isinstance(unit, SegmentUnit) or unit.handlers or walk.create_graph or walk.wanted or walk.ends:
        return False
    segment = unit.segment
    stops = stops_of(segment.path, tuple(sorted(cts)))
    if stops is None:
        return False
    sources, into = segment.sources, Cotangents()
    if not walk.accumulate:
        stops = tuple([s for s in stops if type(sources.get(s)) is Out or walk.is_wanted(sources.get(s))])
    final, seen = [], set[Any]()
    for s in stops:
        source = sources.get(s)
        is_leaf = isinstance(source, Leaf)
        if is_leaf:
            final.append(s)
        if source not in seen:
            seen.add(source)
            held = walk.held(source) if is_leaf else held_of(walk, source)
            if held is not None:
                into[s] = held
    found, selected = unit.stage(cts, stops, tuple(final), into, walk)
    if walk.before:
        walk.stages.append((unit, cts, stops, tuple(final), into))
    for s in into:
        if s in found:
            walk.arrive(vertex(sources.get(s)), found[s], summed=True, selected=s in selected)
    for s, g in found.items():
        if s not in into:
            walk.arrive(vertex(sources.get(s)), g, selected=s in selected)
    return True


def held_of(walk: Any, source: Any) -> Any:
    """Sum of the cotangents of an earlier result so far."""
    at = None if source is None else walk.units.get(source.segment)
    return None if at is None else at[1].get(source.slot)


def vertex(source: Any) -> Any:
    """Vertex of a source; TN382 if another thread has consumed it meanwhile."""
    if type(source) is not Out:
        return source
    return segment_of(source), source.slot


def segment_of(out: Out) -> Segment:
    """Segment of a result; TN382 if another thread has consumed it meanwhile."""
    segment = out.segment
    if segment is None:
        raise steps.consumed_error(site(out.where))
    return segment

