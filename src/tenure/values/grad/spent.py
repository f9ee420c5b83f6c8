"""TN382: a backward that walks what an earlier one has consumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.errors import UseAfterMove
from tenure.values.rules import paths, spending
from tenure.values.rules.graph import Segment
from tenure.values.rules.rows import Path
from tenure.values.rules.sites import here, site, site_of
from tenure.values.trace.trace import Trace


def refuse(t: Trace, roots: Sequence[int], stops: Sequence[int], ends: bool) -> None:
    """TN382 if a gradient of these results with respect to ``stops`` would walk a graph that an earlier backward has
    consumed."""
    path = t.point()
    spent = spending.consumed(path)
    if not spent:
        return
    spent = spent.copy()
    walked = paths.ancestors(path, roots, stops if ends else ())
    for slot in sorted(walked & spent.keys(), reverse=True):
        if spent[slot] < path.results and leads(path, slot, stops):
            raise error(site(site_of(t, t.handles[spent[slot]])))


def leads(path: Path, slot: int, stops: Sequence[int]) -> bool:
    """Whether the gradient of a result reaches one of ``stops``."""
    return not {*paths.reached(path, slot), *paths.ancestors(path, [slot])}.isdisjoint(stops)


def refuse_spent(of: Trace | Segment, slot: int, halt: Sequence[int]) -> None:
    """TN382 if a gradient of a result would walk what a backward elsewhere has consumed: in another thread, or of a
    custom rule."""
    if isinstance(of, Segment):
        spent = spending.gone(of)
        hit = [slot] if slot in spent else []
    else:
        spent = of.spent
        hit = sorted(paths.ancestors(of.point(), [slot], halt) & spent.keys()) if spent else []
    if hit:
        raise error(site(spent[hit[-1]]))


def error(first: Any) -> UseAfterMove:
    """TN382, with the line of the backward that consumed the graph."""
    return UseAfterMove(
        "this backward() walks a graph that an earlier backward() has consumed",
        at=site(here()),
        notes=[("consumed by this backward()", first)],
        help="keep the graph with backward(retain_graph=True), or cut it with .detach() where the steps meet",
    )
