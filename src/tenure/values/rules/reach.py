"""Stops that a gradient reaches, of paths that differ in extents alone: known for all once two of them agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.ir.kin import Likeness
from tenure.values.rules.forms import Formed, Met, Recent
from tenure.values.rules.rows import Path
from tenure.values.rules.rules import Slots

Reached = tuple[tuple[int, bool], ...]
"""Slots, each with whether its cotangent depends on what requires grad."""
MET = Met()
REACHED = Recent()
"""By form: the extents of a path, what the gradient reached there, and whether another path has agreed."""


class Known:
    """Knowledge of a form: none at first."""

    extents: list[int] | None = None
    reached: Reached = ()
    agreed = False


def reached_alike(path: Path, roots: Any, stops: Slots, find: Callable[[], Reached]) -> Reached:
    """The stops that a gradient reaches behind a path: as ``find`` says, unless two paths of its form have agreed."""
    if MET.before(path, (roots, stops), True) is None:
        return find()
    formed = Formed(path)
    if formed.forms is None:
        return find()
    key = (formed.forms, roots, stops)
    known: Known = REACHED.use(key, Known)
    if known.agreed:
        return known.reached
    found = find()
    if known.extents is not None and known.reached == found:
        known.agreed = bool(Likeness(known.extents, formed.extents).places)
    known.extents, known.reached = formed.extents, found
    return found
