"""Run of a trace's program in Python, up to its results in the handles: an interrupt suspends it.

An executable has its state in the list of arrays that it was given: called again with that list it goes on where it was
broken off. So the trace keeps the run, and the next reader of a result finishes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.interp.interp import Arrays, Poison
from tenure.runtime.bracket import at_once, bracket
from tenure.runtime.pauses import Paused
from tenure.values.rules import graph, paths, spending
from tenure.values.rules.sites import site_of
from tenure.values.run.lost import break_off, locate
from tenure.values.run.shield import shielded


def due(executable: Any) -> bool:
    """Whether an executable is due to be compiled before it runs."""
    asked = getattr(executable, "due", None)
    return asked is not None and bool(asked())


def get_ready(executable: Any) -> None:
    """Compile an executable that is due, or see to that."""
    executable.get_ready()


class Handing:
    """One run: its arrays, the segment that it leaves, and its results once there are any. The trace refers to it, and
    is handed in."""

    __slots__ = ("arrays", "plan", "results", "segment")

    def __init__(self, plan: Any) -> None:
        self.plan = plan
        self.arrays = Arrays()
        self.segment: graph.Segment | None = None
        self.results: Sequence[Any] | None = None

    def finish(self, t: Any) -> None:
        """Run the program, or go on with it, and store the results. An exception leaves the run suspended; lack of
        memory ends it."""
        on, off = (setattr, t, "running", True), (setattr, t, "running", False)
        while not (shielded(bracket, (on,), (off,), self.run, t, t.handles) or t.done):
            pass

    def run(self, t: Any, handles: list[Any]) -> bool:
        """Run as ``finish`` does, up to the next pause if a signal has come: False."""
        try:
            if t.suspended is not self:
                self.take(t, handles)
            self.complete(t, handles)
        except Paused:
            return False
        except MemoryError as error:
            raise break_off(t, self.plan, handles, error) from error.__cause__
        return True

    def take(self, t: Any, handles: list[Any]) -> None:
        """Take over the inputs of the trace: a buffer without other holders may be written."""
        plan, inputs = self.plan, t.inputs
        if plan.graph:
            self.segment = start(t, plan, handles)
        if self.segment is not None and t.cutting and not plan.lean:
            self.segment.inputs = [x if k in plan.kept else None for k, x in enumerate(inputs)]
        arrays = [x._data for x in inputs]
        state: Any = (setattr, t, "inputs", []), (setattr, t, "suspended", self)
        at_once((*state, (self.arrays.extend, arrays), (arrays.clear,)))

    def complete(self, t: Any, handles: list[Any]) -> None:
        """Resume the run."""
        plan = self.plan
        if self.results is None:
            self.results = plan.executable(self.arrays, [t.scalars[k] for k in plan.numbers])
        if plan.saved:
            keep_residuals(self.segment, plan, self.results[len(plan.slots) :])
        deliver(t, plan, handles, self.results)


def keep_residuals(segment: graph.Segment | None, plan: Any, arrays: Sequence[Any]) -> None:
    """Keep the residuals of a run in the segment that it leaves."""
    if segment is not None and segment.me is None:
        segment.keep(dict(zip(plan.saved, arrays, strict=True)))


def deliver(t: Any, plan: Any, handles: list[Any], results: Sequence[Any]) -> None:
    """Store results in their handles, which are pending no longer."""
    for slot, array in zip(plan.slots, results, strict=False):
        h = handles[slot]
        if type(array) is Poison:
            locate(t, handles, array)
        h._data = array
        h._trace = h._rule = None


def mark_consumed(t: Any, consumed: dict[int, int]) -> None:
    """Give results whose graph is consumed their nodes, with the line of the backward that did it."""
    lines = {by: site_of(t, t.handles[by]) for by in {*consumed.values()}}
    for slot, by in consumed.items():
        h = t.handles[slot]
        if h._src is None:
            h._src = graph.Out(None, slot, h._rule.name, lines[by])


def start(t: Any, plan: Any, handles: list[Any]) -> graph.Segment | None:
    """Give the differentiable results their nodes in the graph; the segment, if one of them is open."""
    for slot in plan.leaves:
        handles[slot]._src = t.marks.get(slot)
    if plan.consumed:
        mark_consumed(t, plan.consumed)
    if not plan.open:
        return None
    segment = graph.Segment(t.path, [] if plan.lean else t.inputs, t.scalars, paths.sources(t), t.handlers, t.twins)
    segment.lean = plan.lean
    if not (t.path.stamp or t.cutting or plan.lean):
        segment.first, segment.values = True, {slot: handles[slot] for slot in plan.leaves}
    gone = paths.spread(t.path, t.spent) if t.spent else t.spent
    if t.segments:
        spending.share(t, segment)
    for slot in plan.open:
        h = handles[slot]
        if h._src is None:
            h._src = graph.Out(None if slot in gone else segment, slot, h._rule.name, gone.get(slot))
        elif type(h._src) is graph.Out and h._src.segment is not None and h._src.segment.trace is t:
            h._src.join(segment)  # another thread has read it before the run
    return segment
