"""Levels of vmapped calls during recording: results that belong to one example, and the operations refused on them.

A vmapped function is recorded once, on handles that have the shape of one example. Each result knows the call of
whose example it is (``Kind.level``), so that recording costs nothing where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tenure.errors import VmapError
from tenure.values.rules.rules import Level
from tenure.values.rules.sites import here, site


class Call:
    """Vmapped call in progress, within ``outer``: its level of the path, and whether examples share random draws."""

    __slots__ = ("level", "outer", "randomness", "trace")

    def __init__(self, level: Level, trace: Any, outer: Call | None, randomness: str) -> None:
        self.level = level
        self.trace = trace
        self.outer = outer
        self.randomness = randomness


def is_open(level: Level, innermost: Level | None) -> bool:
    """Whether a call has not returned; argument: the innermost open one."""
    while innermost is not None and innermost is not level:
        innermost = innermost.outer
    return innermost is level


def deeper(x: Level | None, y: Level | None) -> Level | None:
    """Inner one of two levels."""
    return x if y is None or (x is not None and x.depth >= y.depth) else y


def level_of(t: Any, slots: Iterable[int | None]) -> Level | None:
    """Level of a step on these slots: the call whose example its results belong to; VmapError if it has returned."""
    found: Level | None = None
    for slot in slots:
        level = t.handles[slot]._kind.level if slot is not None and slot >= 0 else None
        if level is not None:
            if not is_open(level, t.open):
                raise escaped()
            found = deeper(found, level)
    return found


def beneath(made: Sequence[Any], slots: Sequence[int], level: Level) -> Level | None:
    """Call outside of ``level`` on whose example these results of a path depend, if there is one; ``made`` are the
    steps of its results."""
    found: Level | None = None
    stack = [s for s in slots if s >= 0]
    seen = set(stack)
    while stack:
        step = made[stack.pop()][0]
        if step.level is None or step.level.depth < level.depth:
            found = deeper(found, step.level)
            continue
        more = {a for a in step.args if a >= 0} - seen
        seen |= more
        stack.extend(more)
    return found


def refuse_reading(x: Any, innermost: Level | None) -> None:
    """VmapError if a pending value is one example's."""
    level = x._kind.level
    if level is None or x._rule is None:
        return
    if not is_open(level, innermost):
        raise escaped()
    raise VmapError(
        "the value of one example is read inside a vmapped function, which computes all examples together",
        at=site(here()),
        help="choose by element with tn.where(condition, a, b); return what is to be read, and read it afterwards",
    )


def escaped() -> VmapError:
    """VmapError: one example's value has outlived its call."""
    return VmapError(
        "a value of one example is used after its vmapped call has returned, or in another thread",
        at=site(here()),
        help="return it from the vmapped function: the call gives it for all examples",
    )


def refuse_writing(home: Call | None, value: Any) -> None:
    """VmapError if a place made outside of a vmapped call is given one example's value."""
    level = value._kind.level
    while home is not None and home.level is not level:
        home = home.outer
    if home is None:
        raise VmapError(
            "a place made outside of a vmapped function is written with the value of one example",
            at=site(here()),
            help="make the place inside, with .mut(); or return the value, and write it after the call",
        )


def refuse_backward(value: Any) -> None:
    """VmapError if a backward pass begins at one example's value."""
    if value._kind.level is not None:
        raise VmapError(
            "backward() of one example inside a vmapped function: .grad is one for all examples",
            at=site(here()),
            help="take the gradient as a value with tn.grad(f)(…) inside, or call backward() on the result outside",
        )


def drawing(call: Call | None) -> list[Level]:
    """Calls whose examples draw different random numbers, outermost first; VmapError where no choice was made."""
    found = []
    while call is not None:
        if call.randomness == "error":
            raise VmapError(
                "random numbers are drawn inside a vmapped function",
                at=site(here()),
                help='say randomness="different" (each example draws its own) or "same" to vmap',
            )
        if call.randomness == "different":
            found.append(call.level)
        call = call.outer
    return found[::-1]
