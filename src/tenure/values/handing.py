"""Run the program of a trace in Python, and hand its results to the handles, so that no interrupt loses them.

An executable has its state in the list of arrays that it was given: called again with that list it goes on where it was
broken off. So what an interrupt has left half done is finished before the interrupt goes on its way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.interp.interp import Arrays, Poison
from tenure.runtime.bracket import at_once
from tenure.values import graph, paths, spending
from tenure.values.lost import break_off, locate
from tenure.values.sites import place_of


def due(executable: Any) -> bool:
    """Whether an executable is to be compiled before it runs."""
    asked = getattr(executable, "due", None)
    return asked is not None and bool(asked())


def get_ready(executable: Any) -> None:
    """Compile what is due to be compiled."""
    executable.compile()


class Handing:
    """One run: its arrays, the segment that it leaves, and its results once there are any."""

    __slots__ = ("arrays", "plan", "results", "segment", "trace")

    def __init__(self, trace: Any, plan: Any) -> None:
        self.trace = trace
        self.plan = plan
        self.arrays = Arrays()
        self.segment: graph.Segment | None = None
        self.results: Sequence[Any] | None = None

    def run(self, handles: list[Any]) -> None:
        """Run the program and hand the results over."""
        try:
            self.take(handles)
            self.complete(handles)
        except BaseException as error:
            raise self.ended(handles, error) from error.__cause__

    def ended(self, handles: list[Any], error: BaseException) -> BaseException:
        """What is raised where an exception has ended the run: it is finished before, unless there was no memory."""
        t, finished = self.trace, not isinstance(error, MemoryError)
        try:
            if finished and len(t.inputs) != t.node.inputs:
                self.complete(handles)
        except BaseException:
            finished = False
        if not finished:
            return break_off(t, self.plan, handles, error)
        t.running = False
        return error

    def take(self, handles: list[Any]) -> None:
        """Take over the inputs of the trace: a buffer that nobody else has may be written."""
        t, plan = self.trace, self.plan
        t.running = True
        inputs = t.inputs
        if plan.graph:
            self.segment = start(t, plan, handles)
        if self.segment is not None and t.cutting and not plan.lean:
            self.segment.inputs = [x if k in plan.kept else None for k, x in enumerate(inputs)]
        arrays = [x._data for x in inputs]
        at_once(((setattr, t, "inputs", []), (self.arrays.extend, arrays), (arrays.clear,)))

    def complete(self, handles: list[Any]) -> None:
        """Go on from there."""
        t, plan = self.trace, self.plan
        if self.results is None:
            self.results = plan.executable(self.arrays, [t.scalars[k] for k in plan.numbers])
        if self.segment is not None and plan.saved and self.segment.me is None:
            self.segment.keep(dict(zip(plan.saved, self.results[len(plan.slots) :], strict=True)))
        deliver(t, plan, handles, self.results)


def deliver(t: Any, plan: Any, handles: list[Any], results: Sequence[Any]) -> None:
    """Give results to their handles, which are pending no longer."""
    for slot, array in zip(plan.slots, results, strict=False):
        h = handles[slot]
        if type(array) is Poison:
            locate(t, handles, array)
        h._data = array
        h._trace = h._node = None


def start(t: Any, plan: Any, handles: list[Any]) -> graph.Segment | None:
    """Give the differentiable results their place in the graph; the segment, if one of them is open."""
    for slot in plan.leaves:
        handles[slot]._src = t.marks.get(slot)
    for slot, by in plan.consumed.items():
        h = handles[slot]
        if h._src is None:
            h._src = graph.Out(None, slot, h._node.name, place_of(t, handles[by]))
    if not plan.open:
        return None
    segment = graph.Segment(t.node, [] if plan.lean else t.inputs, t.scalars, paths.sources(t), t.handlers)
    segment.lean = plan.lean
    gone = spending.spread(t.node, t.spent)
    if t.segments:
        spending.share(t, segment)
    spent = {~k: x._src for k, x in enumerate(t.inputs) if type(x._src) is graph.Out and x._src.segment is None}
    for slot in plan.open:
        h = handles[slot]
        if h._src is None:
            stale = next((spent[d] for d in h._deps if d in spent), None) if spent else None
            where = stale.where if stale else gone.get(slot)
            h._src = graph.Out(None if stale or slot in gone else segment, slot, h._node.name, where)
    return segment
