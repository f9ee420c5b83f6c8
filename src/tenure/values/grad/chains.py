"""Chains of segments that are recorded once more together: one gradient for all that was read in turn, at first sight.

    a = f(w); a.item(); b = g(a); b.item(); b.backward()        records f and g once more, and one gradient behind both

A walk takes units from young to old. So the segments that come next, one after the other, are one piece of the walk as
long as each is the first of its path: what lies between them is never shown to anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Any

from tenure.values.grad import steps
from tenure.values.grad.reopening import Part, Row
from tenure.values.grad.units import Cotangents, SegmentUnit, Unit
from tenure.values.rules import paths
from tenure.values.rules.graph import GRAFTED, Leaf, Out, Segment, Source
from tenure.values.rules.rows import Path
from tenure.values.rules.rules import Slots
from tenure.values.rules.sites import here


def stops_of(path: Path, roots: Slots) -> Slots | None:
    """Sources behind some results of a path, ascending; None if one of the results is a source itself. Cached."""
    key = "stops", roots
    if key not in path.plans:
        found = {d for r in roots for d in paths.reached(path, r)}
        path.plans[key] = None if not found.isdisjoint(roots) else tuple(sorted(found))
    stops: Slots | None = path.plans[key]
    return stops


class Link(Part):
    """A segment of a chain: the cotangents that have arrived at it, the rows behind its ``roots``, which are those
    and what younger links read, and the sources behind them, ``stops``."""

    __slots__ = ("cts", "roots", "stops")

    def __init__(self, segment: Segment, cts: Cotangents, roots: Slots, rows: list[Row], stops: Slots) -> None:
        super().__init__(segment, rows)
        self.cts, self.roots, self.stops = cts, roots, stops


class Chain:
    """Segments from young to old as a unit of the walk; its source slots are the ``ends``, a link and a slot of it."""

    def __init__(self, links: list[Link], walk: Any) -> None:
        self.links = links
        self.number = links[0].segment.number
        inside = {link.segment: link for link in links}
        self.ends: list[tuple[Link, int]] = []
        seen: set[Source] = set()
        for link in links:
            for s in link.stops:
                source = link.segment.sources.get(s)
                if source is None or source in seen or (type(source) is Out and source.segment in inside):
                    continue
                if walk.accumulate or type(source) is Out or walk.is_wanted(source):
                    seen.add(source)
                    self.ends.append((link, s))

    def source(self, k: int) -> Source:
        """Source at an end."""
        link, s = self.ends[k]
        return link.segment.sources.get(s)

    def stage(
        self, cts: Any, stops: Iterable[int], final: Iterable[int], into: Cotangents, walk: Any
    ) -> tuple[Cotangents, tuple[int, ...]]:
        """Cotangents of the ends."""
        with steps.Hold() as t:
            laid: dict[Segment, dict[int, int]] = {}
            for link in reversed(self.links):
                link.segment.use()
                laid[link.segment] = walk.reopened.laid(t, link, laid)
            roots = [(laid[link.segment][r], t.bind(g)) for link in self.links for r, g in link.cts.items()]
            at = {laid[link.segment][s]: k for k, (link, s) in enumerate(self.ends)}
            mine = tuple(sorted(at))
            ends = tuple([s for s in mine if at[s] in final])
            slots = tuple([t.bind(into[at[s]]) if at[s] in into else None for s in mine])
            found = steps.gradient(t, tuple(roots), mine, ends, slots, False, False, False)
            return {at[s]: g for s, g in found.items()}, ()

    def consume(self, walk: Any) -> None:
        """Consume the links behind the first, which the walk itself consumes."""
        for link in self.links[1:]:
            if walk.consume:
                walk.where = walk.where or here()
                SegmentUnit(link.segment).consume(set(link.roots), (), walk.where)
            walk.walked += link.segment.path.size


def linked(walk: Any, segment: Segment, cts: Cotangents) -> Link | None:
    """The first link of a chain; None if the segment is no such link."""
    return _link(walk, segment, cts, tuple(sorted(cts)))


def _link(walk: Any, segment: Segment, cts: Cotangents, roots: Slots) -> Link | None:
    if not segment.first or segment.handlers:
        return None
    stops = stops_of(segment.path, roots)
    rows = None if stops is None else walk.reopened.rows(segment, roots)
    if rows is None or stops is None or any(s < 0 and segment.inputs[~s]._slot == GRAFTED for s in stops):
        return None  # a grafted input stands where a result does, with other elements
    return Link(segment, cts, roots, rows, stops)


def chain_behind(walk: Any, link: Link) -> Chain:
    """The chain that begins with a link: the units that come next in the walk, up to one that is no link."""
    links, read = [link], dict[Segment, set[int]]()
    ahead: list[tuple[int, Segment]] = []
    while True:
        for s in links[-1].stops:
            source = links[-1].segment.sources.get(s)
            if type(source) is Out and source.segment is not None:
                if source.segment not in read:
                    read[source.segment] = set()
                    heappush(ahead, (-source.segment.number, source.segment))
                read[source.segment].add(source.slot)
        first = walk.waiting[0] if walk.waiting else None
        if not ahead or (first is not None and first[0] < ahead[0][0]):
            return Chain(links, walk)
        segment = ahead[0][1]
        unit: tuple[Unit, Cotangents] | None = walk.units.get(segment)
        arrived = {} if unit is None else unit[1]
        found = _link(walk, segment, arrived, tuple(sorted(read[segment] | arrived.keys())))
        if found is None:
            return Chain(links, walk)
        heappop(ahead)
        if arrived:
            heappop(walk.waiting)  # it is the youngest that waits
        walk.units.pop(segment, None)
        links.append(found)


def is_final(chain: Chain) -> tuple[int, ...]:
    """The ends behind which nothing is walked."""
    return tuple([k for k in range(len(chain.ends)) if isinstance(chain.source(k), Leaf)])
