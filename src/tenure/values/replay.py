"""Replay of a run trace into the trace in progress: to differentiate a gradient through it."""

from __future__ import annotations

from typing import Any

from tenure.errors import GradientError, following
from tenure.values import steps
from tenure.values.expand import (
    expand_call,
    expand_close,
    expand_gradient,
    expand_input,
    expand_mark,
    expand_mode,
    expand_open,
    expand_operation,
    expand_return,
    expand_select,
    expand_tangent,
    expand_widen,
)
from tenure.values.graph import Leaf
from tenure.values.grow import new_operation
from tenure.values.handlers import Handler
from tenure.values.levels import Call, is_open
from tenure.values.modes import set_grad_enabled
from tenure.values.record import RECORDER
from tenure.values.sites import here, site
from tenure.values.trie import ROOT, Level, Node
from tenure.values.vmapped import begin, finish, select, widen


class Replay:
    """Doubles of a segment's results, recorded on demand."""

    def __init__(self, segment: Any, start: Node = ROOT) -> None:
        self.segment = segment
        self.start = start
        self.path = segment.node.path(start)
        self.made = [(step, k) for step in self.path for k in range(len(step.avals))]
        self.doubles: dict[int, Any] = {}
        self.calls: dict[Level, Call] = {}
        self.tracks = False

    def step(self, slot: int) -> tuple[Node, int]:
        """Step of a result, and the result's index within it."""
        return self.made[slot - self.start.results]

    def handle(self, slot: int) -> Any:
        """Double of a result, or an input itself."""
        if slot not in self.doubles:
            if slot < self.start.results:
                return self.outside(slot)
            self.record(self.wanted(slot))
        return self.doubles[slot]

    def outside(self, slot: int) -> Any:
        """Input of the segment, in place of a slot of no step."""
        inputs = self.segment.inputs
        if self.segment.lean and not inputs:
            raise steps.consumed_error(site(self.segment.consumed()))  # by another thread, meanwhile
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
            if s >= self.start.results and s not in found and s not in self.doubles:
                found.add(s)
                stack.extend([a for a in self.step(s)[0].args if a is not None])
        return found

    def record(self, wanted: set[int]) -> None:
        """Record the steps of the wanted results once more."""
        grad = True
        slot, scalar = self.start.results, self.start.scalars
        for node in self.path:
            if node.expand is expand_mode:
                grad = node.params or self.tracks
            if node.expand is expand_open and any(self.step(s)[0].level is node.params for s in wanted):
                self.begin(node.params)
            count = len(node.avals)
            if any(s in wanted for s in range(slot, slot + count)):
                scalars = self.segment.scalars[scalar : scalar + len(node.kinds)]
                again = set_grad_enabled(grad).apply(self.again, node, slot, scalars)
                self.doubles.update(zip(range(slot, slot + count), again, strict=True))
            slot += count
            scalar += len(node.kinds)

    def begin(self, level: Level) -> None:
        """Begin a vmapped call once more."""
        again, trace = begin(level.count)
        self.calls[level] = RECORDER.vmap = Call(again, trace, RECORDER.vmap, "error")

    def finish(self, node: Node, results: list[Any]) -> tuple[Any, ...]:
        """Return from a vmapped call once more."""
        assert node.parent is not None and node.parent.open is not None
        call = self.calls[node.parent.open]
        RECORDER.vmap = call.outer
        return finish(call, results, node.params[0])

    def again(self, node: Node, slot: int, scalars: list[Any]) -> tuple[Any, ...]:
        """Record one step once more, on the doubles of its operands."""
        read = [None if a is None else self.handle(a) for a in node.args]
        if node.expand is expand_operation:
            fn, params = node.params
            with steps.Hold() as t:
                args = tuple([None if x is None else t.bind(x) for x in read])
                key = (expand_operation, fn, args, params, node.kinds)
                numbers = tuple(scalars)
                made = steps.take(t, key, lambda: new_operation(t, key, fn, args, params, numbers), numbers)
            leaves = {k: self.segment.sources.get(slot + k) for k in node.leaves}
            return tuple([steps.mark(h, leaves[k]) if k in leaves else h for k, h in enumerate(made)])
        if node.expand is expand_mark:
            return (self.mark(node, slot),)
        if node.expand is expand_call:
            operands, tracked = [x for x in read if x is not None], node.key[-1]
            return steps.call(node.params, operands, tuple(scalars), tracked)  # type: ignore[no-any-return]
        if node.expand is expand_gradient:
            return self.gradient(node)
        if node.expand is expand_select:
            return (select(read[0], node.params[0], self.calls[node.level].level),)  # type: ignore[index]
        if node.expand is expand_widen:
            level = following(x for x in self.calls if x.depth == node.params[0] and is_open(x, node.open))
            return widen(read, self.calls[level].level)
        if node.expand is expand_return:
            return self.finish(node, read)
        if node.expand is expand_tangent:
            return steps.tangent(*[[self.handle(s) for s in part] for part in node.params])
        assert node.expand is expand_close and node.expand is not expand_input
        hidden = [self.doubles[s] for s in node.key[2] if s in self.doubles]
        return (steps.close(self.handle(node.args[0]), hidden),)  # type: ignore[arg-type]

    def gradient(self, node: Node) -> tuple[Any, ...]:
        """Record a gradient once more."""
        roots, stops, into, create_graph, reached, final, _ = node.params
        with steps.Hold() as t:
            b = self.slot_of
            found = steps.gradient(
                t,
                tuple([(b(r), None if g is None else b(g)) for r, g in roots]),
                tuple([b(s) for s in stops]),
                tuple([b(s) for s in final]),
                tuple([None if a is None else b(a) for a in into]),
                create_graph,
                False,
                False,
            )
            return tuple([found[b(s)] for s in reached])

    def slot_of(self, slot: int) -> int:
        """Slot of the double of a result."""
        return RECORDER.trace.bind(self.handle(slot))

    def mark(self, node: Node, slot: int) -> Any:
        """Record a mark once more, with its leaf or its custom rule."""
        source = self.segment.sources.get(slot)
        first, *upstream = [self.handle(a) for a in node.args if a is not None]
        double = steps.mark(first, source if isinstance(source, Leaf) else None, upstream, bool(node.params))
        old: Handler | None = self.segment.handlers.get(slot)
        if old is not None:
            new = RECORDER.trace.handlers.setdefault(double._slot, Handler())
            new.like(old)
            new.inputs = tuple([self.slot_of(s) for s in old.inputs])
            self.doubles[slot] = double  # which may be among its own residuals
            if old.residuals is not None:
                new.residuals = old.residuals.doubled(self, RECORDER.trace)
        return double
