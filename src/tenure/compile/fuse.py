"""Fusion: a program becomes kernels.

    a = sin x; b = a * y; s = reduce_sum b        becomes        kernel 0: s, reading x and y

``stored`` chooses which values lie in buffers, ``schedule`` puts those that can be computed together into kernels.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tenure.compile.plan import Plan
from tenure.compile.schedule import Scheduler
from tenure.compile.stencil import untangle
from tenure.compile.stored import choose_stored
from tenure.compile.subviews import find_subviews
from tenure.ir.program import Program


def fuse(program: Program, late: Collection[int] = ()) -> Plan:
    """Choose stored values and kernels; ``late`` values come where they stand, not with what they read."""
    subviews = find_subviews(program)
    scheduler = Scheduler(program, untangle(program, choose_stored(program, subviews)), late)
    for v in sorted(scheduler.stored):
        if v >= len(program.inputs) and v not in subviews:
            scheduler.add(v)
    scheduler.share()
    return replace(scheduler.plan(), subviews=subviews)
