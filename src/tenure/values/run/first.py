"""The first run of a path: natively from its primitives to results, with no program made of them.

Most of what is seen once is never seen again. So a program, a plan and all that is kept with them are made at the
second run, and at the first one where something is not usual: large values, a failed check, an observer. No residuals
are saved: a backward computes small values once more (``grad/reopening``).
"""

from __future__ import annotations

from collections import deque
from typing import Any

from tenure.compile.late import late
from tenure.compile.tiers import Tiered
from tenure.runtime import buffers
from tenure.runtime.pauses import NOTED
from tenure.values.rules.expand import Expansion
from tenure.values.rules.rows import Path, count, forget
from tenure.values.rules.sites import Sites
from tenure.values.run import plan, sized
from tenure.values.run.handing import start
from tenure.values.run.plan import ONCE, Plan, Save, Standing

__all__ = ["Once", "first_run", "prepare", "run"]

AGAIN = 8
"""Runs of a path of a form that varies before it gets a plan, which costs as much as so many of them."""
VARIED: deque[Path] = deque()
"""Paths of forms that vary, and that have no plan."""
MOST_VARIED = 1024
MOST_BYTES = 1 << 26
"""Bytes of all values together, at most: a run that takes long pauses for signals."""


class Once:
    """A path that has run without a plan, for some results, so many ``times``: ``made`` makes the plan that it would
    have had."""

    __slots__ = ("path", "save", "sites", "slots", "times")

    def __init__(self, path: Path, slots: tuple[int, ...], save: Save, sites: Sites) -> None:
        self.path, self.slots, self.save, self.sites, self.times = path, slots, save, sites, 1

    def made(self) -> Plan:
        """The plan."""
        found = Plan(self.path, self.slots, self.save, Expansion().advance(self.path))
        found.sites = self.sites
        return found


def first_run(t: Any, ex: Expansion, outputs: list[int], slots: tuple[int, ...], context: Any) -> bool | None:
    """Compute values of an expansion, and store them in the handles of a trace: True. Nothing is done otherwise:
    False, where an operation has no record yet; None, where it cannot be run so."""
    return None


def prepare() -> None:
    """Tell the native code what it needs of the compiler, before its first use."""


def is_done(once: Once) -> bool:
    """Whether a path that has run so gets a plan at its next run. Where its form varies, it may have come by chance: it
    is forgotten when many others have come so."""
    path = once.path
    if once.times >= AGAIN or path.tracked or path.rows > sized.MOST_ROWS:
        return True
    sight = sized.sight_of(path, sized.key_of(once.slots, once.save))
    if sight is None or not sight.varies():
        return True
    if once.times == 1:
        VARIED.append(path)
        if len(VARIED) > MOST_VARIED:
            forget(VARIED.popleft())
    return False


def run(t: Any, path: Path, slots: tuple[int, ...], save: Save) -> Once | None:
    """Run a trace whose path has never run, or hardly; None, and nothing done, where that is left to a plan."""
    if path.stamp or t.vmapped or NOTED or plan.EXECUTOR is not Tiered:
        return None
    if path.rows <= sized.MOST_ROWS and sized.met(path, sized.key_of(slots, save)):
        return None
    prepare()
    ex = t.expanded(path)
    standing = Standing(path, slots)  # what a backward consumes is known by what was expanded
    if standing.open and isinstance(save, tuple):
        return None
    outputs = [ex.slots[slot] for slot in slots]
    if standing.graph:
        start(t, standing, t.handles)
    sites = Sites(t, t.handles)
    done = first_run(t, ex, outputs, slots, buffers.context())
    if done is False:
        late("first").rules_of(ex.builder.body([*ex.inputs, *ex.scalars], outputs, {})[0])
        done = first_run(t, ex, outputs, slots, buffers.context())
    if not done:
        return None
    once: Once | None = path.plans.get(ONCE)
    if once is not None and once.slots == slots:
        once.times += 1
        return once
    count("programs")
    path.plans[ONCE] = once = Once(path, slots, save, sites)
    return once
