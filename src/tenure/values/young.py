"""Collections of the young objects behind long traces, so that the cyclic collector does not walk the whole heap.

Each 700 new objects the collector looks at the youngest, and what it finds alive a second time counts as old. Amid a
trace that are thousands of handles, which are gone soon; when a quarter of all old objects are new, it walks them all:
30 ms after every dozen calls of 5 ms. Behind a run hardly one is left, and to look then costs a few microseconds.
"""

from __future__ import annotations

import gc
from typing import Any

from tenure.values import force

__all__ = ["LONG", "collect_young", "run"]

LONG = 512
"""Handles of a trace that is long."""


def run(t: Any) -> None:
    """Run a closed trace, as ``force.run``."""
    long = len(t.handles) >= LONG
    force.run(t)
    if long:
        collect_young()


def collect_young() -> None:
    """Collect the two young generations, unless the collector is off."""
    if gc.isenabled():
        gc.collect(1)
