"""Units of a backward, each walked by one recorded step: the trace in progress, and the segments behind it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import inf
from typing import Any

from tenure.values.grad import steps
from tenure.values.grad.segments import segment_gradient
from tenure.values.rules import paths, spending
from tenure.values.rules.graph import CodeSite, Segment, Source
from tenure.values.rules.rows import Path
from tenure.values.run import force
from tenure.values.trace.record import RECORDER
from tenure.values.trace.trace import Trace

Cotangents = dict[int, Any]


class TraceUnit:
    """The trace in progress as a unit."""

    number = inf

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.first = True
        self.handlers = trace.handlers

    def deps(self, slot: int) -> tuple[int, ...]:
        """Source slots behind a slot."""
        return self.trace.deps(slot)

    def source(self, slot: int) -> Source:
        """Source behind a source slot: a leaf, or a result of an earlier trace."""
        return source_of(self.trace.inputs[~slot]) if slot < 0 else self.trace.marks.get(slot)

    def behind(self, slot: int) -> list[Source]:
        """Sources behind a slot."""
        return [self.source(d) for d in self.deps(slot)]

    def stage(
        self, cts: Cotangents, stops: tuple[int, ...], final: tuple[int, ...], into: Cotangents, walk: Any
    ) -> tuple[Cotangents, Collection[int]]:
        """Cotangents of stops from those of roots, and the stops with all elements known to be selected; the walk ends
        at the final ones."""
        first, self.first = self.first, False
        with steps.Hold(self.trace) as t:
            roots = tuple([(r, None if g is None else t.bind(g)) for r, g in cts.items()])
            slots = tuple([t.bind(into[s]) if s in into else None for s in stops])
            walked = steps.gradient(
                t, roots, stops, final, slots, walk.create_graph, walk.consume, first, None, walk.final
            )
            return walked, ()

    def consume(self, roots: set[int], halt: Sequence[int], where: CodeSite) -> None:
        """Nothing to do: the path itself says which results are consumed."""


class SegmentUnit:
    """A run trace as a unit."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.number = segment.number
        self.handlers = segment.handlers

    def deps(self, slot: int) -> tuple[int, ...]:
        """Source slots behind a slot."""
        return paths.reached(self.segment.path, slot)

    def source(self, slot: int) -> Source:
        """Source behind a source slot: a leaf, or a result of an earlier trace."""
        return self.segment.sources.get(slot)

    def behind(self, slot: int) -> list[Source]:
        """Sources behind a slot."""
        source = self.segment.sources.get
        return [source(d) for d in paths.reached(self.segment.path, slot)]

    def stage(
        self, cts: Cotangents, stops: tuple[int, ...], final: tuple[int, ...], into: Cotangents, walk: Any
    ) -> tuple[Cotangents, Collection[int]]:
        """Cotangents of stops from those of roots, and the stops with all elements known to be selected; the walk ends
        at the final ones."""
        rows = None if walk.create_graph or walk.wanted else walk.reopened.rows(self.segment, cts)
        if rows is not None:
            return walk.reopened.gradient(self.segment, rows, cts, stops, final, into), ()
        numbers = [s for s in cts if (self.segment, s) in walk.numbers]
        return segment_gradient(self.segment, cts, stops, final, numbers, into, walk.create_graph)

    def consume(self, roots: set[int], halt: Sequence[int], where: CodeSite) -> None:
        """Consume those results of the segment whose gradient needs a saved value, up to ``halt``: they become plain
        numbers."""
        spending.spend(self.segment, roots, where, halt)


Unit = TraceUnit | SegmentUnit


def path_of(of: Trace | Segment) -> Path:
    """Path of a trace in progress, or of one that has run."""
    return of.point() if isinstance(of, Trace) else of.path


def ones_like(unit: Unit, slot: int) -> Any:
    """Cotangent (ones) of a scalar root that has a handler."""
    assert isinstance(unit, TraceUnit)
    return steps.ones(unit.trace.kind(slot).aval)


def rank(unit: Unit, slot: int) -> tuple[float, int]:
    """Order of a slot with a handler: it is computed after those of a smaller rank."""
    handler = unit.handlers.get(slot)
    if handler is not None and handler.rank is not None:
        return handler.rank  # type: ignore[no-any-return]
    t = unit.trace if isinstance(unit, TraceUnit) else unit.segment.trace
    number: float = unit.number if t is None else spending.number_of(t, slot, unit.number)
    return number, slot


def source_of(x: Any) -> Source:
    """Source of a tensor from outside the trace: its leaf, or its result in an earlier one."""
    if x._src is None and x._trace is not None:
        RECORDER.compute(x)
        if x._trace is not None:
            force.adopt(x._trace, x)
    return x._src  # type: ignore[no-any-return]
