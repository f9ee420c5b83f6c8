"""A value that is read alone: by a trace of its own, while the rest of the trace in progress stays pending.

    near = argmin d 1; y = mean x; m = equal near 3        where near is known, m is  input near; equal 3

That trace has the rows that the value needs, from what is known on: it recurs, though the trace around it never does.
No gradient flows through it, as its results get their place in the graph where the trace in progress runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tenure.errors import TenureError
from tenure.interp.interp import Poison
from tenure.runtime.bracket import at_once, bracket
from tenure.values.native.hits import coded
from tenure.values.operations.creation import standing
from tenure.values.rules import alike
from tenure.values.rules.expand import expand_operation
from tenure.values.rules.rows import Path, made_in
from tenure.values.rules.rules import Kind, Rule, kind_of
from tenure.values.run import force
from tenure.values.run.lost import Running
from tenure.values.trace.record import RECORDER
from tenure.values.trace.trace import Trace

FAR = 256
"""Rows behind the path of a trace, from which they become a block before they are walked."""
Row = tuple[int, Rule, Sequence[int], int]
"""First result of a row, its rule, the slots that it reads, and the place of its first number."""


class Behind:
    """The rows that a pending result of a trace needs, from what is known on, the last first. ``needed`` are the slots
    of their results that are read, ``tracked`` says whether a gradient flows to one of their operands."""

    __slots__ = ("handles", "inputs", "left", "needed", "rows", "scalars", "tracked")

    def __init__(self, t: Any, slot: int) -> None:
        if len(t.rules) > FAR:
            t.point()
        self.handles, self.inputs, self.scalars = t.handles, t.inputs, t.scalars
        self.rows: list[Row] = []
        self.needed, self.left, self.tracked = {slot}, {slot}, False
        found = now(t)
        while found != now(t):
            found = now(t)  # a signal handler has recorded
        path, rules, slots, *counts = found
        self.walk(rules, slots, *counts)
        if self.left:
            self.walk_blocks(path)

    def walk(self, rules: list[Rule], slots: list[int], row: int, read: int, result: int, number: int) -> None:
        """Look at the rows behind the path, from the last to the first."""
        left = self.left
        while left and row:
            row -= 1
            rule = rules[row]
            made = len(rule.kinds)
            if made:
                read -= rule.arity
                number -= len(rule.numbers)
                result -= made
                if result in left if made == 1 else not left.isdisjoint(range(result, result + made)):
                    self.take(result, rule, slots[read : read + rule.arity], number)

    def walk_blocks(self, block: Path) -> None:
        """Look up the rows of the path."""
        while self.left:
            slot = max(self.left)
            while block.parent is not None and slot < block.parent.results:
                block = block.parent
            step, _ = made_in(block)[slot - (0 if block.parent is None else block.parent.results)]
            self.take(step.first, step.rule, step.args, step.scalar)

    def take(self, first: int, rule: Rule, args: Sequence[int], number: int) -> None:
        """A row that is needed."""
        needed, left = self.needed, self.left
        left.discard(first)
        if len(rule.kinds) > 1:
            left.difference_update(range(first, first + len(rule.kinds)))
        self.rows.append((first, rule, args, number))
        for slot in args:
            x = self.handles[slot] if slot >= 0 else self.inputs[~slot]
            if x._kind.tracked:
                self.tracked = True
            if slot >= 0 and x._data is None and slot not in needed:
                needed.add(slot)
                left.add(slot)

    def is_plain(self) -> bool:
        """Whether all rows are operations, outside of vmapped functions."""
        rules = [row[1] for row in self.rows]
        return all(rule.expand is expand_operation and rule.level is None and not rule.leaves for rule in rules)

    def given(self) -> list[Any]:
        """The inputs of the trace that the rows read and that have no value yet."""
        return [
            self.inputs[~slot] for row in self.rows for slot in row[2] if slot < 0 and self.inputs[~slot]._data is None
        ]


def now(t: Any) -> tuple[Any, ...]:
    """The path of a trace, the rows behind it, and the counts of rows, slots, results and numbers."""
    return t.path, t.rules, t.slots, len(t.rules), len(t.slots), len(t.handles), len(t.scalars)


def untracked(t: Any, rule: Rule) -> Rule:
    """The rule of the same operation where no gradient flows."""
    key = tuple([kind_of(part.aval) if type(part) is Kind else part for part in rule.key])
    fn, params = rule.params
    found: Rule | None = t.mode.known.get(key)
    if found is None:
        kinds = [part for part in key if type(part) is Kind]
        found = t.grow(key, fn, kinds, params, tuple([of(1) for of in rule.numbers]), rule.turned)
    return found


@coded
def rows_apart(t: Any, slot: int) -> tuple[Trace, list[int]] | None:
    """What ``apart`` gives for the rows behind a slot, where all of them are plain, behind the path of the trace, and
    no gradient flows; None, where that is not so."""
    return None


def apart(t: Any, behind: Behind) -> tuple[Trace, list[int]]:
    """The rows as a trace of their own, and the slots in the other one of its results."""
    own = Trace()
    rules, slots, handles, inputs = own.rules, own.slots, own.handles, own.inputs
    at: dict[int, int] = {}
    made: list[int] = []
    for first, rule, args, number in reversed(behind.rows):
        for slot in args:
            if slot not in at:
                x = behind.inputs[~slot] if slot < 0 else behind.handles[slot]
                at[slot] = ~len(inputs)
                x = standing(x._data, kind_of(x._aval)) if x._kind.tracked else x
                rules.append(alike.input_rule(x._kind))
                own.bound_at.append(len(handles))
                inputs.append(x)
            slots.append(at[slot])
        if behind.tracked:
            rule = untracked(t, rule)
        own.scalars.extend(behind.scalars[number : number + len(rule.numbers)])
        rules.append(rule)
        for slot, kind in enumerate(rule.kinds, first):
            h: Any = standing(None, kind)
            like = behind.handles[slot]
            h._trace, h._slot, h._rule, h._code, h._lasti = own, len(handles), rule, like._code, like._lasti
            at[slot] = h._slot
            made.append(slot)
            handles.append(h)
    return own, made


def run_alone(t: Any, h: Any, read: Callable[[Any], Any]) -> None:
    """Compute a handle of this thread's trace, with the live results that it needs, if others stay pending: by a trace
    of its own, of which ``read`` reads a result."""
    found, handles = rows_apart(t, h._slot), t.handles
    behind = Behind(t, h._slot) if found is None else None
    needed = behind.needed if behind is not None else set(found[1]) if found is not None else set()
    live = force.alive(handles)
    wanted = [s for s in live if s in needed]
    if len(wanted) == len(live) or all(s in needed or handles[s]._data is not None for s in live):
        return
    if behind is not None and behind.is_plain():
        given = behind.given()
        if given:
            force.settle(t, given)
        found = apart(t, behind)
    if found is None or not compute(t, h, found, wanted, read):
        force.run_prefix(t, h, alone=True)


def compute(t: Any, h: Any, found: tuple[Trace, list[int]], wanted: list[int], read: Callable[[Any], Any]) -> bool:
    """Compute results by a trace of their own; False, and nothing done, where that does not go."""
    (own, slots), handles = found, t.handles
    out = {s: own.handles[k] for k, s in enumerate(slots) if s in wanted}
    held = RECORDER.__dict__
    put, other = held.__setitem__, held["sealed"]
    try:
        bracket(((put, "sealed", own),), ((put, "sealed", other),), read, out[h._slot])
    except (TenureError, MemoryError):
        return False
    fine = all(type(x._data) is not Poison for x in out.values())
    return fine and Running.locked(store, t, handles, out)


def store(t: Any, handles: list[Any], found: dict[int, Any]) -> bool:
    """Store results in the handles of a trace whose lock is held, unless it has run meanwhile. Those to which no
    gradient flows leave the trace: what is recorded from now on has them as inputs, and they are not computed again."""
    if t.done or t.running or t.suspended is not None:
        return False
    for s, x in found.items():
        h = handles[s]
        if h._data is None:
            h._data, x._slot = x._data, s
            if h._kind is x._kind:
                at_once(((handles.__setitem__, s, x), (setattr, h, "_trace", None), (setattr, h, "_rule", None)))
    return True
