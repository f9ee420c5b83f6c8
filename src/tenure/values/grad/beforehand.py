"""The look of a backward at all that it leads to, before anything is recorded."""

from __future__ import annotations

from typing import Any

from tenure.values.grad import spent
from tenure.values.grad.passing import segment_of
from tenure.values.rules import paths
from tenure.values.rules.graph import Out, RowLeaf, Segment, Source
from tenure.values.trace.trace import Trace


def refuse_consumed(walk: Any) -> bool:
    """TN382 if the graph of a walk leads into a consumed one; TN503 or TN506 if a gradient that it leads to is lent.

    Whether there are hooks on the way."""
    seen: set[Source] = {None}
    stack: list[tuple[Any, int]] = [(of, s) for of, (_, cts) in walk.units.items() for s in cts]
    met: set[tuple[Segment, int]] = set()
    plain = walk.accumulate and not (walk.final or walk.ends)  # ``walk.behind`` takes every source as it is
    handled, hooked = set[Any](), any(leaf.hooks for leaf in walk.leaves)
    while stack:
        of, slot = stack.pop()
        if of.handlers:
            handled.add(of)
        if plain and type(of) is Segment and of.trace is None:
            source_at = of.sources.get
            behind = [source_at(d) for d in paths.reached(of.path, slot)]
        else:
            behind = _behind(walk, of, slot, met)
        for source in behind:
            if source in seen:
                continue
            seen.add(source)
            if isinstance(source, Out):
                stack.append((segment_of(source), source.slot))
            elif source is not None:
                hooked = hooked or bool(source.hooks or (type(source) is RowLeaf and source.of.hooks))
                if walk.accumulate and source.grad is not None:
                    source.grad._refuse_write()
    walk.asked.find(met, lambda of, slot: walk.source(walk.unit(of), slot), walk.is_wanted, walk.wanted)
    return hooked or any(not h.is_rule for of in handled for h in list(of.handlers.values()))


def _behind(walk: Any, of: Any, slot: int, met: set[tuple[Segment, int]]) -> list[Any]:
    """Sources behind a slot of a unit; TN382 if what is between is consumed. What a walk for some inputs meets is
    noted."""
    unit = walk.unit(of)
    if not walk.accumulate and isinstance(of, Segment):
        met.add((of, slot))
    if of.spent if isinstance(of, Trace) else of.trace:
        spent.refuse_spent(of, slot, [s for u, s in walk.wanted if u is of] if walk.final else ())
    return [walk.behind(unit, source) for source in unit.behind(slot)]
