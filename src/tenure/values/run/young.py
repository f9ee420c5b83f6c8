"""Collections behind long traces, so that the cyclic collector does not walk the whole heap amid a later call.

Each 700 new objects the collector looks at the youngest, and what it finds alive a second time counts as old. Amid a
trace that are thousands of handles, which are gone soon; when a quarter of all old objects are new, it walks them all:
30 ms after every dozen calls of 5 ms. Behind a run hardly one is left, and to look then costs a few microseconds. What
new programs and plans add to the heap is walked at once, behind a run that took a quarter of that.
"""

from __future__ import annotations

import gc
import sys
from time import perf_counter
from typing import Any

from tenure.values.run import force

__all__ = ["LONG", "collect", "run"]

LONG = 512
"""Handles of a trace that is long."""
SHARE = 4.0
"""Times a run that a walk of the heap may take."""
GROWTH = 1.15
"""Times the heap of the last walk that is worth another: the collector walks by itself at a quarter more."""
RARELY = 50.0
"""Times as long as counting the heap's blocks takes, which grows with the heap, until they are counted again."""


class Walk:
    """The last walk of the heap from here: how many blocks of memory were left, and how many seconds it took; and when
    the blocks may be counted again."""

    blocks = 0
    seconds = 0.0
    again = 0.0


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
    if LAST.seconds >= SHARE * seconds or not _has_grown():
        gc.collect(1)
        return
    start = perf_counter()
    gc.collect()
    LAST.blocks, LAST.seconds = sys.getallocatedblocks(), perf_counter() - start


def _has_grown() -> bool:
    """Whether a walk is worth it, as far as is known without counting often."""
    start = perf_counter()
    if start < LAST.again:
        return False
    grown = sys.getallocatedblocks() >= GROWTH * LAST.blocks
    now = perf_counter()
    LAST.again = now + RARELY * (now - start)
    return grown
