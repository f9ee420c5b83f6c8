"""Stops that a gradient reaches, of paths that differ in extents alone: known for all once two of them agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.ir.applications import Bounded
from tenure.values.rules.forms import Formed, Likeness
from tenure.values.rules.rows import Path
from tenure.values.rules.rules import Slots

REACHED = Bounded()
"""The extents of a path of a form, what the gradient reached there, and whether another path has agreed."""


def reached_alike(path: Path, roots: Any, stops: Slots, find: Callable[[], Slots]) -> Slots:
    """What a gradient reaches behind a path: as ``find`` says, unless paths of its form have said so twice."""
    formed = Formed(path)
    if formed.forms is None:
        return find()
    key = (formed.forms, roots, stops)
    known: tuple[list[int], Slots, bool] | None = REACHED.get(key)
    if known is not None and known[2]:
        return known[1]
    found = find()
    apart = known is not None and known[1] == found and Likeness(known[0], formed.extents).places
    REACHED[key] = (formed.extents, found, bool(apart))
    return found
