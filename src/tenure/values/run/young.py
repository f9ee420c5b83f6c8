"""Collections behind long traces, so that the cyclic collector does not walk the whole heap amid a later call.

Each 700 new objects the collector looks at the youngest, and what it finds alive a second time counts as old. Amid a
trace that are thousands of handles, which are gone soon; when a quarter of all old objects are new, it walks them all:
30 ms after every dozen calls of 5 ms. Behind a run hardly one is left, and to look then costs a few microseconds. What
a new program adds to the heap is walked at once, as its first run takes far longer than that.
"""

from __future__ import annotations

import gc
from time import perf_counter
from typing import Any

from tenure.values.rules.rows import COUNTS
from tenure.values.run import force

__all__ = ["LONG", "collect", "run"]

LONG = 512
"""Handles of a trace that is long."""
SHARE = 0.1
"""The part of a run that a walk of the heap may take."""
GROWTH = 1.25
"""Times the rows of the last walk that are worth another."""


class Walk:
    """The last walk of the heap from here: how many rows were kept, and how many seconds it took."""

    rows = 0
    seconds = 0.0


LAST = Walk()


def run(t: Any) -> None:
    """Run a closed trace, as ``force.run``."""
    long, start = len(t.handles) >= LONG, perf_counter()
    force.run(t)
    if long:
        collect(perf_counter() - start)


def collect(seconds: float = 0.0) -> None:
    """Collect the two young generations behind a run of so many seconds, or all, unless the collector is off."""
    if not gc.isenabled():
        return
    rows = COUNTS["rows"]
    if LAST.seconds >= SHARE * seconds or rows < GROWTH * LAST.rows + LONG:
        gc.collect(1)
        return
    start = perf_counter()
    gc.collect()
    LAST.rows, LAST.seconds = rows, perf_counter() - start
