"""A value that is read alone: by a path of its own, while the rest of the trace stays pending.

    near = argmin d 1; y = mean x; m = equal near 3        where near is known, m is  input near; equal 3

The path has the rows that the value needs, from what is known on: it recurs, though the trace around it never does.
"""

from __future__ import annotations

from typing import Any

from tenure.interp.interp import Poison
from tenure.values.rules import alike, paths
from tenure.values.rules.expand import Expansion, expand_operation
from tenure.values.rules.inside import internally
from tenure.values.rules.rows import ROOT, Path, Step
from tenure.values.rules.rules import Rule
from tenure.values.run import force
from tenure.values.run.lost import Running
from tenure.values.run.plan import Prefix


class Apart:
    """The rows that a pending result of a trace needs, from what is known on. ``steps`` are those by the slot of their
    first result, ``given`` the tensors that they read, by slot."""

    __slots__ = ("given", "handles", "inputs", "slots", "steps")

    def __init__(self, t: Any, path: Path, slot: int) -> None:
        made, stack = paths.steps(path), [slot]
        self.handles, self.inputs = t.handles, t.inputs
        self.steps: dict[int, Step] = {}
        self.given: dict[int, Any] = {}
        self.slots: set[int] = set()
        while stack:
            s = stack.pop()
            if s in self.slots or s in self.given:
                continue
            if s < 0 or self.handles[s]._data is not None:
                self.given[s] = self.inputs[~s] if s < 0 else self.handles[s]
                continue
            self.slots.add(s)
            step, k = made[s]
            if s - k not in self.steps:
                self.steps[s - k] = step
                stack.extend(step.args)

    def is_plain(self) -> bool:
        """Whether all rows are operations, outside of vmapped functions."""
        return all(step.rule.expand is expand_operation and step.rule.level is None for step in self.steps.values())

    def path(self, scalars: list[Any]) -> tuple[Path, dict[int, int], list[Any]]:
        """The rows as a path of their own; its slots by those of the trace, and its numbers."""
        rules: list[Rule] = [alike.input_rule(x._kind) for x in self.given.values()]
        at, numbers = {s: ~k for k, s in enumerate(self.given)}, list[Any]()
        read: list[int] = []
        results = 0
        for first in sorted(self.steps):
            step = self.steps[first]
            rules.append(step.rule)
            read += [at[s] for s in step.args]
            numbers += scalars[step.scalar : step.scalar + len(step.rule.numbers)]
            for k in range(len(step.rule.kinds)):
                at[first + k] = results + k
            results += len(step.rule.kinds)
        return ROOT.follow(rules, read, numbers), at, numbers


def run_alone(t: Any, h: Any) -> None:
    """Compute a handle of this thread's trace, with the live results that it needs, if others stay pending."""
    apart = Apart(t, t.point(), h._slot)
    live = force.alive(t.handles)
    if all(s in apart.slots or t.handles[s]._data is not None for s in live):
        return
    if apart.is_plain():
        force.settle(t, [x for s, x in apart.given.items() if s < 0])
        if Running.locked(_run_alone, t, h, apart, [s for s in live if s in apart.slots]):
            return
    force.run_prefix(t, h, alone=True)


def _run_alone(t: Any, h: Any, apart: Apart, wanted: list[int]) -> bool:
    """Compute results by a path of their own; False, and nothing done, where that does not go."""
    if t.done or t.running or t.suspended is not None or any(t.handles[s]._data is not None for s in wanted):
        return False
    path, at, numbers = apart.path(t.scalars)
    slots = tuple([at[s] for s in wanted])
    plan = path.plans.get(("prefix", slots))
    if plan is None:
        plan = internally(path, lambda: Prefix(Expansion().advance(path), slots, ()))
        path.plans["prefix", slots] = plan
    given = list(apart.given.values())
    try:
        results = plan.executable([given[k]._data for k in plan.inputs], [numbers[k] for k in plan.numbers])
    except MemoryError:
        return False
    if t.done or any(type(array) is Poison for array in results):
        return False
    for s, array in zip(wanted, results, strict=True):
        t.handles[s]._data = array
    return True
