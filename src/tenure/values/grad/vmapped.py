"""Recorded steps of a vmapped call: its begin, the selection of examples, its return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tenure.errors import GradientError, VmapError
from tenure.transform.jvp import between
from tenure.values.grad.steps import Hold, slots_of, take, take_here
from tenure.values.rules.expand import expand_open, expand_return, expand_select, expand_widen
from tenure.values.rules.levels import Call, beneath, is_open, level_of
from tenure.values.rules.paths import reached, steps
from tenure.values.rules.rows import Path
from tenure.values.rules.rules import Level, Rule, kind_of
from tenure.values.rules.sites import here, site
from tenure.values.trace.record import RECORDER
from tenure.values.trace.trace import Trace


def calling(count: int, randomness: str, function: Callable[[Call], Any]) -> Any:
    """Result of a function in a vmapped call on so many examples; pending values stay so until it has returned."""
    return RECORDER.hold_open(_called, count, randomness, function)


def _called(count: int, randomness: str, function: Callable[[Call], Any]) -> Any:
    outer, home = RECORDER.vmap, RECORDER.home
    level, t = begin(count)
    RECORDER.vmap = RECORDER.home = call = Call(level, t, outer, randomness)
    try:
        return function(call)
    finally:
        RECORDER.vmap, RECORDER.home = outer, home
        if is_open(level, t.open) and not (t.busy or t.done):
            finish(call, (), ())


def begin(count: int) -> tuple[Level, Trace]:
    """Begin a call: its level, and the trace that it is recorded in."""
    with Hold() as t:
        key = (expand_open, count)

        def build() -> Rule:
            level = Level(count, t.open)
            return Rule(key, expand_open, params=level, open=level, grad=t.mode.grad)

        t.vmapped = True
        take_here(t, key, (), build)
        t.open = t.rules[-1].open
        return t.rules[-1].params, t


def select(x: Any, axis: int, level: Level) -> Any:
    """One example of a value that has them along an axis."""
    with Hold() as t:
        slot = t.bind(x)
        kind = t.kind(slot)
        key = (expand_select, kind, axis, level)

        def build() -> Rule:
            part = kind.aval.with_shape((*kind.aval.shape[:axis], *kind.aval.shape[axis + 1 :]))
            kinds = (kind_of(part, kind.tracked and t.mode.grad, level),)
            more: Any = {"params": (axis, level.depth), "kinds": kinds, "name": "SelectBackward0", "grad": t.mode.grad}
            return Rule(key, expand_select, arity=1, **more)

        return take(t, key, (slot,), build)[0]


def finish(call: Call, results: Sequence[Any], axes: tuple[int, ...]) -> tuple[Any, ...]:
    """Return from a call: its results for all examples, along an axis of each."""
    level = call.level
    with Hold(call.trace) as t:
        slots = slots_of(t, results)
        if t.handlers:
            refuse_handlers(t, slots, level)
        key = (expand_return, slots, axes)

        def build() -> Rule:
            rule = leaving(t, key, slots, axes, level)
            rule.params, rule.name, rule.open = (axes, level.count, level), "StackBackward0", level.outer
            return rule

        out = take_here(t, key, slots, build)
        t.open = level.outer
        return out


def widen(xs: Sequence[Any], level: Level) -> tuple[Any, ...]:
    """Broadcast of one example's values to all of them, along axis 0, while the call goes on."""
    with Hold() as t:
        slots = slots_of(t, xs)
        key = (expand_widen, slots, level.depth)

        def build() -> Rule:
            rule = leaving(t, key, slots, (0,) * len(slots), level)
            rule.params = (level.depth, level.count, level)
            return rule

        return take_here(t, key, slots, build)


def leaving(t: Trace, key: Any, slots: tuple[int, ...], axes: tuple[int, ...], level: Level) -> Rule:
    """Rule of a step by which one example's values become those of all examples."""
    level_of(t, slots)
    path = t.path
    outside = beneath(steps(path), slots, level)
    rule = Rule(key, key[0], arity=len(slots), grad=t.mode.grad)
    kinds = []
    for s, axis in zip(slots, axes, strict=True):
        tracked = bool(outer_deps(path, s, level))
        kinds.append(kind_of(widened(t.kind(s).aval, axis, level.count), tracked, outside))
    return rule.giving(*kinds)


def waits_outside(xs: Sequence[Any], level: Level) -> bool:
    """Whether the gradients of one example's values come from outside of the call, and only from there."""
    t = RECORDER.trace
    path = t.point()
    deps = {(x._slot, d) for x in xs if x._trace is t for d in reached(path, x._slot)}
    return all(d in outer_deps(path, slot, level) for slot, d in deps)


def widened(aval: Any, axis: int, count: int) -> Any:
    """Aval of all examples, from that of one."""
    return aval.with_shape((*aval.shape[:axis], count, *aval.shape[axis:]))


def outer_deps(path: Path, slot: int, level: Level) -> list[int]:
    """Sources of a result that lie outside the call."""
    made = steps(path)
    return [d for d in reached(path, slot) if d < 0 or not within(made[d][0].level, level)]


def within(inner: Level | None, level: Level) -> bool:
    """Whether a level is another, or nested in it."""
    return is_open(level, inner)


def refuse_handlers(t: Trace, slots: Sequence[int], level: Level) -> None:
    """VmapError for hooks and rules of one example's gradient: they have no meaning for those of all."""
    path = t.point()
    made = steps(path)
    stack, seen = [s for s in slots if s >= 0], set(slots)
    hit = []
    while stack:
        slot = stack.pop()
        if not within(made[slot][0].level, level):
            continue
        if slot in t.handlers and outer_deps(path, slot, level):
            hit.append(slot)
        more = {a for a in made[slot][0].args if a >= 0} - seen
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
    path = t.point()
    found: bool | None = path.plans.get(key)
    if found is None:
        ex = t.expanded(path)
        ends = {ex[s].id for s in hit}
        found = not ends.isdisjoint(between(ex.builder, (), [ex[s].id for s in slots]))
        path.plans[key] = found
    return found


def check_whole(call: Call) -> None:
    """VmapError if the function recorded elsewhere: a handler had interrupted a step of it."""
    if RECORDER.trace is not call.trace:
        raise VmapError(
            "a signal handler or __del__ recorded operations in the middle of an operation of a vmapped function",
            at=site(here()),
            help="call it again; let the handler set a flag, and look at the flag afterwards",
        )
