"""Recorded steps of a vmapped call: its begin, the selection of examples, its return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tenure.errors import GradientError, VmapError
from tenure.transform.jvp import between
from tenure.values.expand import expand_open, expand_return, expand_select, expand_widen
from tenure.values.levels import Call, beneath, is_open, level_of
from tenure.values.record import RECORDER, Trace
from tenure.values.sites import here, site
from tenure.values.steps import Hold, slots_of, take
from tenure.values.trie import Level, Node


def calling(count: int, randomness: str, function: Callable[[Call], Any]) -> Any:
    """Result of a function in a vmapped call on so many examples; pending values stay so until it has returned."""
    return RECORDER.hold_open(_called, count, randomness, function)


def _called(count: int, randomness: str, function: Callable[[Call], Any]) -> Any:
    outer = RECORDER.vmap
    level, t = begin(count)
    RECORDER.vmap = call = Call(level, t, outer, randomness)
    try:
        return function(call)
    finally:
        RECORDER.vmap = outer
        if is_open(level, t.node.open) and not (t.busy or t.done):
            finish(call, (), ())


def begin(count: int) -> tuple[Level, Trace]:
    """Begin a call: its level, and the trace that it is recorded in."""
    with Hold() as t:
        key = (expand_open, count)

        def build() -> Node:
            node = Node(t.node, key, expand_open)
            node.open = node.params = Level(count, node.open)
            return node

        t.vmapped = True
        take(t, key, build)
        return t.node.params, t


def select(x: Any, axis: int, level: Level) -> Any:
    """One example of a value that has them along an axis."""
    with Hold() as t:
        slot = t.bind(x)
        key = (expand_select, slot, axis, level.depth)

        def build() -> Node:
            aval = t.aval(slot)
            part = aval.with_shape((*aval.shape[:axis], *aval.shape[axis + 1 :]))
            deps = t.deps(slot) if t.mode.grad else ()
            more: Any = {"params": (axis, level.depth), "avals": (part,), "depss": (deps,), "level": level}
            return Node(t.node, key, expand_select, args=(slot,), name="SelectBackward0", **more)

        return take(t, key, build)[0]


def finish(call: Call, results: Sequence[Any], axes: tuple[int, ...]) -> tuple[Any, ...]:
    """Return from a call: its results for all examples, along an axis of each."""
    level = call.level
    with Hold(call.trace) as t:
        slots = slots_of(t, results)
        if t.handlers:
            refuse_handlers(t, slots, level)
        key = (expand_return, slots, axes)

        def build() -> Node:
            level_of(t, slots)
            node = Node(
                t.node,
                key,
                expand_return,
                args=slots,
                params=(axes, level.count),
                avals=tuple([widened(t.aval(s), k, level.count) for s, k in zip(slots, axes, strict=True)]),
                depss=tuple([outer_deps(t, s, level) for s in slots]),
                name="StackBackward0",
                level=beneath(t, slots, level),
            )
            node.open = level.outer
            return node

        return take(t, key, build)


def widen(xs: Sequence[Any], level: Level) -> tuple[Any, ...]:
    """Broadcast of one example's values to all of them, along axis 0, while the call goes on."""
    with Hold() as t:
        slots = slots_of(t, xs)
        key = (expand_widen, slots, level.depth)

        def build() -> Node:
            level_of(t, slots)
            more: Any = {
                "avals": tuple([widened(t.aval(s), 0, level.count) for s in slots]),
                "depss": tuple([outer_deps(t, s, level) for s in slots]),
                "level": beneath(t, slots, level),
            }
            return Node(t.node, key, expand_widen, args=slots, params=(level.depth, level.count), **more)

        return take(t, key, build)


def waits_outside(xs: Sequence[Any], level: Level) -> bool:
    """Whether the gradients of one example's values come from outside of the call, and only from there."""
    t = RECORDER.trace
    deps = {(x._slot, d) for x in xs if x._trace is t for d in t.deps(x._slot)}
    return all(d in outer_deps(t, slot, level) for slot, d in deps)


def widened(aval: Any, axis: int, count: int) -> Any:
    """Aval of all examples, from that of one."""
    return aval.with_shape((*aval.shape[:axis], count, *aval.shape[axis:]))


def outer_deps(t: Trace, slot: int, level: Level) -> tuple[int, ...]:
    """Sources of a result that lie outside the call."""
    return tuple([d for d in t.deps(slot) if d < 0 or not within(t.handles[d]._node.level, level)])


def within(inner: Level | None, level: Level) -> bool:
    """Whether a level is another, or nested in it."""
    return is_open(level, inner)


def refuse_handlers(t: Trace, slots: Sequence[int], level: Level) -> None:
    """VmapError for hooks and rules of one example's gradient: they have no meaning for those of all."""
    stack, seen = [s for s in slots if s >= 0], set(slots)
    hit = []
    while stack:
        slot = stack.pop()
        if not within(t.handles[slot]._node.level, level):
            continue
        if slot in t.handlers and outer_deps(t, slot, level):
            hit.append(slot)
        more = {a for a in t.handles[slot]._node.args if a is not None and a >= 0} - seen
        seen |= more
        stack.extend(more)
    if hit and reaches(t, slots, hit):
        raise GradientError(
            "a hook or a custom_vjp rule inside a vmapped function waits for a gradient from outside of it",
            at=site(here()),
            help="differentiate inside, as in tn.vmap(tn.grad(f)); or put the hook on the result of the call",
        )


def reaches(t: Trace, slots: Sequence[int], hit: Sequence[int]) -> bool:
    """Whether a gradient of some results goes on to others, cached: a step may read what it does not depend on."""
    key = ("reaches", tuple(slots), tuple(hit))
    found: bool | None = t.node.plans.get(key)
    if found is None:
        ex = t.expanded()
        ends = {ex[s].id for s in hit}
        found = not ends.isdisjoint(between(ex.builder, (), [ex[s].id for s in slots]))
        t.node.plans[key] = found
    return found


def check_whole(call: Call) -> None:
    """VmapError if the function recorded elsewhere: a handler had interrupted a step of it."""
    if RECORDER.trace is not call.trace:
        raise VmapError(
            "a signal handler or __del__ recorded operations in the middle of an operation of a vmapped function",
            at=site(here()),
            help="call it again; let the handler set a flag, and look at the flag afterwards",
        )
