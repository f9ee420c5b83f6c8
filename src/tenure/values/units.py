"""What a backward walks by one recorded step each: the trace in progress, and the segments behind it."""

from __future__ import annotations

from collections.abc import Collection
from math import inf
from typing import Any

from tenure.values import force, paths, spending, steps
from tenure.values.graph import Segment, Source
from tenure.values.record import RECORDER, Trace
from tenure.values.segments import segment_gradient
from tenure.values.sites import here

Cotangents = dict[int, Any]


class TraceUnit:
    """The trace in progress."""

    number = inf

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

    def stage(
        self, cts: Cotangents, stops: tuple[int, ...], final: tuple[int, ...], into: Cotangents, walk: Any
    ) -> tuple[Cotangents, Collection[int]]:
        """Cotangents of stops from those of roots, and in which all elements are known to be selected; the walk ends at
        the final ones."""
        first, self.first = self.first, False
        with steps.Hold(self.trace) as t:
            roots = tuple([(r, None if g is None else t.bind(g)) for r, g in cts.items()])
            slots = tuple([t.bind(into[s]) if s in into else None for s in stops])
            walked = steps.gradient(
                t, roots, stops, final, slots, walk.create_graph, walk.consume, first, None, walk.final
            )
            return walked, ()

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

    def stage(
        self, cts: Cotangents, stops: tuple[int, ...], final: tuple[int, ...], into: Cotangents, walk: Any
    ) -> tuple[Cotangents, Collection[int]]:
        """Cotangents of stops from those of roots, and in which all elements are known to be selected; the walk ends at
        the final ones."""
        numbers = [s for s in cts if (self.segment, s) in walk.numbers]
        return segment_gradient(self.segment, cts, stops, final, numbers, into, walk.create_graph)

    def consume(self, roots: set[int]) -> None:
        """What of the segment needs a saved value for its gradient becomes a plain number."""
        spending.spend(self.segment, roots, here())


Unit = TraceUnit | SegmentUnit


def source_of(x: Any) -> Source:
    """Where the gradient of a tensor from outside the trace goes."""
    if x._src is None and x._trace is not None:
        RECORDER.compute(x)
        if x._trace is not None:
            force.adopt(x._trace, x)
    return x._src  # type: ignore[no-any-return]
