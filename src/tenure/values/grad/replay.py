"""Replay of a run trace into the trace in progress: to differentiate a gradient through it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenure.errors import GradientError, UseAfterMove, following
from tenure.values.grad import spent, steps
from tenure.values.grad.handlers import Handler
from tenure.values.grad.vmapped import begin, finish, select, widen
from tenure.values.rules import paths
from tenure.values.rules.expand import (
    expand_call,
    expand_close,
    expand_gradient,
    expand_mark,
    expand_open,
    expand_operation,
    expand_return,
    expand_select,
    expand_tangent,
    expand_widen,
)
from tenure.values.rules.graph import Leaf, Out, Segment
from tenure.values.rules.grow import new_operation
from tenure.values.rules.levels import Call, is_open
from tenure.values.rules.modes import set_grad_enabled
from tenure.values.rules.paths import KEEPING
from tenure.values.rules.rows import ROOT, Path, Step
from tenure.values.rules.rules import Level, as_given
from tenure.values.rules.sites import here, site
from tenure.values.rules.spending import alike, number_of
from tenure.values.trace.handles import own
from tenure.values.trace.record import RECORDER


def called(step: Step) -> tuple[Level | None, ...]:
    """Calls in which a step is recorded: that of whose example its result is, and that which it returns from."""
    return (step.level, step.params[-1]) if step.expand in (expand_return, expand_widen) else (step.level,)


def result(segment: Segment, slot: int) -> Out:
    """Result of a segment."""
    held = segment.outs.get(slot)
    out = None if held is None else held()
    return Out(segment, slot, "") if out is None else out


def holder(segment: Segment, slot: int) -> Segment:
    """The oldest segment of a trace whose open results lead to a slot of one of them: its hooks are called there."""
    if segment.trace is None:
        return segment
    for one in sorted(alike(segment.trace), key=lambda one: one.number):
        outs = [out for reference in list(one.outs.values()) if (out := reference()) is not None]
        if slot in paths.ancestors(one.path, [out.slot for out in outs if out.segment is one]):
            return one
    return segment


class Replay:
    """Doubles of a segment's results, of those from the ``first`` on, recorded on demand; it lies behind ``start``."""

    def __init__(self, segment: Any, start: Path = ROOT, first: int = 0) -> None:
        self.segment = segment
        self.start = start
        self.first = first
        self.path = segment.path.steps(start)
        self.made = [(step, k) for step in self.path for k in range(len(step.rule.kinds))]
        self.doubles: dict[int, Any] = {}
        self.calls: dict[Level, Call] = {}
        self.tracks = False

    def step(self, slot: int) -> tuple[Step, int]:
        """Step of a result, and the result's index within it."""
        return self.made[slot - self.start.results]

    def handle(self, slot: int) -> Any:
        """Double of a result, or an input itself; of one that has been moved away, another handle."""
        if slot not in self.doubles:
            if slot < self.first:
                x = self.outside(slot)
                if type(x) is RECORDER.trace.tensor:
                    return x
                self.doubles[slot] = own(x)
            else:
                self.record(self.wanted(slot))
        return self.doubles[slot]

    def outside(self, slot: int) -> Any:
        """Input of the segment, in place of a slot of no step."""
        inputs = self.segment.inputs
        if self.segment.lean and not inputs:
            raise spent.error(site(self.segment.consumed()))  # by another thread, meanwhile
        x = inputs[~slot]
        if x is None:
            raise GradientError(
                "a long loop was cut, and what is differentiated twice lies before the cut",
                at=site(here()),
                help="differentiate inside a transform: tn.grad, tn.hessian, tn.vjp keep their function whole",
            )
        return x

    def wanted(self, slot: int) -> set[int]:
        """Ancestors of a result without a double yet, itself included."""
        found: set[int] = set()
        stack = [slot]
        while stack:
            s = stack.pop()
            if s >= self.first and s not in found and s not in self.doubles:
                found.add(s)
                stack.extend(self.step(s)[0].args)
        return found

    def record(self, wanted: set[int]) -> None:
        """Record the steps of the wanted results once more."""
        calls = {call for s in wanted for call in called(self.step(s)[0])}
        for step in self.path:
            rule = step.rule
            if rule.expand is expand_open and rule.params in calls:
                self.begin(rule.params)
            slots = range(step.first, step.first + len(rule.kinds))
            if any(s in wanted for s in slots):
                words = self.segment.scalars[step.scalar : step.scalar + len(rule.numbers)]
                scalars = as_given(words, rule.bounds)
                again = set_grad_enabled(rule.grad or self.tracks).apply(self.again, step, scalars)
                self.doubles.update(zip(slots, again, strict=True))
                self.stand(slots)
                for slot in self.segment.handlers.keys() & slots if rule.expand is not expand_mark else ():
                    self.handled(slot)

    def stand(self, slots: Iterable[int]) -> None:
        """Note of which results these are doubles: of those that somebody holds, or of what these were doubles of."""
        t = RECORDER.trace
        for slot in slots:
            twin = self.segment.twins.get(slot) or self.segment.outs.get(slot)
            if twin is not None and self.doubles[slot]._trace is t:
                t.twins[self.doubles[slot]._slot] = twin

    def begin(self, level: Level) -> None:
        """Begin a vmapped call once more."""
        again, trace = begin(level.count)
        self.calls[level] = RECORDER.vmap = RECORDER.home = Call(again, trace, RECORDER.vmap, "error")

    def finish(self, step: Step, results: list[Any]) -> tuple[Any, ...]:
        """Return from a vmapped call once more."""
        call = self.calls[step.params[-1]]
        RECORDER.vmap = RECORDER.home = call.outer
        return finish(call, results, step.params[0])

    def again(self, step: Step, scalars: tuple[Any, ...]) -> tuple[Any, ...]:
        """Record one step once more, on the doubles of its operands, which another thread may be moving away."""
        while True:
            read = [self.handle(a) for a in step.args]
            try:
                return self.on(read, step, scalars)
            except UseAfterMove:
                if all(x is self.handle(a) for a, x in zip(step.args, read, strict=True)):
                    raise

    def on(self, read: list[Any], step: Step, scalars: tuple[Any, ...]) -> tuple[Any, ...]:
        """Record one step once more, on other operands."""
        if step.expand is expand_operation:
            return self.operation(step, read, scalars)
        if step.expand is expand_mark:
            return (self.mark(step, read),)
        if step.expand is expand_call:
            program, tracked = step.params
            return steps.call(program, read, scalars, tracked)  # type: ignore[no-any-return]
        if step.expand is expand_gradient:
            return self.gradient(step)
        if step.expand is expand_select:
            return (select(read[0], step.params[0], self.calls[step.level].level),)  # type: ignore[index]
        if step.expand is expand_widen:
            level = following(x for x in self.calls if x.depth == step.params[0] and is_open(x, step.open))
            return widen(read, self.calls[level].level)
        if step.expand is expand_return:
            return self.finish(step, read)
        if step.expand is expand_tangent:
            return steps.tangent(*[[self.handle(s) for s in part] for part in step.params])
        assert step.expand is expand_close
        hidden = [self.doubles[s] for s in step.params[0] if s in self.doubles]
        return (steps.close(read[0], hidden),)

    def operation(self, step: Step, read: list[Any], numbers: tuple[Any, ...]) -> tuple[Any, ...]:
        """Record an operation once more."""
        fn, params = step.params
        with steps.Hold() as t:
            args = steps.slots_of(t, read)
            steps.enter(t)
            kinds = steps.kinds_of(t, args)
            rule = step.rule
            key = (fn, *kinds, params, *rule.numbers, *(("turned",) if rule.turned else ()))
            like = (key, fn, kinds, params, rule.numbers)
            made = steps.take(t, key, args, lambda: new_operation(*like, t.mode.grad, turned=rule.turned), numbers)
        leaves = {k: self.segment.sources.get(step.first + k) for k in step.rule.leaves}
        return tuple([steps.mark(h, leaves[k]) if k in leaves else h for k, h in enumerate(made)])

    def gradient(self, step: Step) -> tuple[Any, ...]:
        """Record a gradient once more, of the stops that it reaches: the others are no ancestors of its roots."""
        roots, stops, into, create_graph, reached, final, _ = step.params
        held = dict(zip(stops, into, strict=True))
        with steps.Hold() as t:
            b = self.slot_of
            found = steps.gradient(
                t,
                tuple([(b(r), None if g is None else b(g)) for r, g in roots]),
                tuple([b(s) for s in reached]),
                tuple([b(s) for s in final if s in reached]),
                tuple([None if (a := held[s]) is None else b(a) for s in reached]),
                create_graph,
                False,
                False,
            )
            return tuple([found[b(s)] for s in reached])

    def slot_of(self, slot: int) -> int:
        """Slot of the double of a result."""
        return RECORDER.trace.bind(self.handle(slot))

    def mark(self, step: Step, read: list[Any]) -> Any:
        """Record a mark once more, with its leaf or its custom rule."""
        slot, (first, *upstream) = step.first, read
        source = self.segment.sources.get(slot)
        double = steps.mark(first, source if isinstance(source, Leaf) else None, upstream, step.params == KEEPING)
        self.doubles[slot] = double  # which may be among its own residuals
        if slot in self.segment.handlers:
            self.handled(slot)
        return double

    def handled(self, slot: int) -> None:
        """Give a double the handlers of its result."""
        old: Handler = self.segment.handlers[slot]
        new = RECORDER.trace.handlers.setdefault(self.doubles[slot]._slot, Handler())
        new.like(old)
        if isinstance(self.segment, Segment):
            whose = holder(self.segment, slot)
            t, number = whose.trace, whose.number
            rank = number if t is None else number_of(t, slot, number), slot
            new.rank, new.of = (rank, result(whose, slot)) if old.of is None else (old.rank, old.of)
        new.inputs = tuple([self.slot_of(s) for s in old.inputs])
        if old.residuals is not None:
            new.residuals = old.residuals.doubled(self, RECORDER.trace)
