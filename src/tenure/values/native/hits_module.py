"""Module of all generated builtins of the fast path, as text, with what it calls and what is to be set in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tenure.runtime.cache import DiskCache, digest, source_fingerprint, unedited
from tenure.values.native.hits_alike import ALIKE
from tenure.values.native.hits_alone import ALONE
from tenure.values.native.hits_attributes import ATTRIBUTES, IN_PLACE
from tenure.values.native.hits_backward import BACKWARD
from tenure.values.native.hits_blocks import BLOCKS
from tenure.values.native.hits_classes import CLASSES
from tenure.values.native.hits_code import CALLED
from tenure.values.native.hits_extents import EXTENTS, LAST
from tenure.values.native.hits_first import FIRST
from tenure.values.native.hits_fresh import FRESH, trace_maker
from tenure.values.native.hits_indexing import INDEXING
from tenure.values.native.hits_layout import LAYOUT
from tenure.values.native.hits_lines import LINES
from tenure.values.native.hits_objects import CELL, HANDLE, LATE, MOST_PLACES, ROWS, VIEW, Code, Step
from tenure.values.native.hits_paths import PATHS
from tenure.values.native.hits_places import PLACING
from tenure.values.native.hits_planning import PLANNER
from tenure.values.native.hits_plans import PLANS
from tenure.values.native.hits_points import POINTS
from tenure.values.native.hits_programs import PROGRAMS
from tenure.values.native.hits_reads import READING
from tenure.values.native.hits_records import RECORDS
from tenure.values.native.hits_rules import FACTS
from tenure.values.native.hits_run import RUNNING
from tenure.values.native.hits_steps import PARTS
from tenure.values.native.hits_templates import TEMPLATES
from tenure.values.native.hits_updates import UPDATING
from tenure.values.native.hits_walk import WALKING
from tenure.values.native.hits_windows import VIEWING

__all__ = ["ENTRIES", "Made", "made", "remembered"]

ENTRIES = 64
"""Number of operators and methods with a fast path, at most."""

ROOMS: tuple[tuple[Callable[[Code], None], ...], ...] = (
    *(LAYOUT, LINES, PARTS, BLOCKS, POINTS, PLANS, RUNNING, FRESH, PLACING, ATTRIBUTES, BACKWARD, FIRST, PROGRAMS),
    *(TEMPLATES, WALKING, PATHS, FACTS, ALIKE, EXTENTS, RECORDS, CLASSES, READING, UPDATING, INDEXING, VIEWING, ALONE),
)
"""The builtins of the other modules."""


class Made(NamedTuple):
    """Module as text; the C API that it calls, the pointers to be set, and its exported functions."""

    api: tuple[str, ...]
    variables: tuple[str, ...]
    functions: tuple[str, ...]
    source: str

    def packed(self) -> bytes:
        """Serialized module, for the disk cache."""
        return "\n".join([*map(" ".join, self[:3]), self.source]).encode()

    @classmethod
    def unpacked(cls, data: bytes) -> Made:
        """Module of its serialized form."""
        *names, source = data.decode().split("\n", 3)
        api, variables, functions = (tuple(line.split()) for line in names)
        return cls(api, variables, functions, source)


def remembered(offsets: Mapping[str, int], blank: Mapping[str, Any]) -> Made:
    """Module from the disk cache, or built by ``made``: writing the text takes longer than reading it."""
    disk = DiskCache.from_environment()
    kinds = [(slot, type(v).__name__) for slot, v in blank.items()]
    key = digest(b"hits", source_fingerprint(), repr((sys.version_info, sorted(offsets.items()), kinds)).encode())
    found = disk.get(key) if disk is not None else None
    if found is not None:
        return Made.unpacked(found)
    new = made(offsets, blank)
    if disk is not None and unedited():
        disk.put(key, new.packed())
    return new


def made(offsets: Mapping[str, int], blank: Mapping[str, Any]) -> Made:
    """Build the module; ``offsets`` are those of slots in nodes, traces and the like, ``blank`` the slots of a new
    trace."""

    class Body(Step):
        pass

    Body.offsets = offsets
    m = Code(Body)
    parts = [part for room in ROOMS for part in room]
    parts += [trace_maker(blank), *CALLED]
    for define in parts:
        define(m)
    for kind, code in (("operator", "binary"), ("method", "unary")):
        for k in range(ENTRIES):
            with m.function(f"{kind}_{k}", "ptr %x", "ptr %args", "i64 %n", "ptr %names", exported=True) as f:
                entry = f.at("ptr @entries", f"i64 {3 * k}")
                f.ret(f.call(code, "ptr %x", "ptr %args", "i64 %n", "ptr %names", entry))
    for k in range(IN_PLACE):
        with m.function(f"change_{k}", "ptr %x", "ptr %args", "i64 %n", "ptr %names", exported=True) as f:
            entry = f.at("ptr @changes", f"i64 {3 * k}")
            f.ret(f.call("in_place", "ptr %x", "ptr %args", "i64 %n", "ptr %names", entry))
    body = str(m)
    late = {**LATE, "cell": CELL, "rows": ROWS, "calls": ("record", "start"), "record": ("matches", "plain"), **VIEW}
    numbers = [f"at_{n}" for n in (*HANDLE, *[f"{of}_{name}" for of, names in late.items() for name in names])]
    objects = sorted({*re.findall(r"ptr @(o_\w+)", body)})
    globals_ = [f"@{name} = global ptr null" for name in objects] + [f"@{name} = global i64 0" for name in numbers]
    globals_ += [f"@{name} = global [{n} x i64] zeroinitializer" for name, n in TABLES]
    functions = re.findall(r"^define ptr @(\w+)|^define i32 @(\w+)", body, re.M)
    return Made(
        tuple([name for name in m.signatures if name not in m.defined]),
        (*objects, *numbers, *dict(TABLES)),
        tuple([a or b for a, b in functions]),
        "\n".join([*globals_, body]),
    )


SINGLE = (("thread", 1), ("run", 1), ("left", 1), ("user", 1))
WORDS = (("shapes", 2 * LAST), ("places", 2 * MOST_PLACES), *SINGLE, ("planner", len(PLANNER)))
TABLES = (("entries", 3 * ENTRIES), ("changes", 3 * IN_PLACE), *WORDS)
"""Entries: an operation, the Python function, whether it is reflected. Places: a class, the offset of its value."""
