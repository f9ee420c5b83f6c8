"""Part of a place that an advanced index writes: its elements, as far as the index is known.

    p[[0, 3], :, mask] = v        the points (0, k) and (3, k) of axes 0 and 2, beside all of axis 1

An index whose values are still to be computed may be any: its axes count as whole, and ``guessed`` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tenure.ops.declare import broadcast_shapes
from tenure.values.operations import keys
from tenure.values.operations.regions import Region, Rows, meet

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Points:
    """Elements at ``points`` of some axes (positions by axis, which go together) and in ``ranges`` of the others, or
    none."""

    ranges: tuple[range, ...]
    points: dict[int, Array]
    empty: bool
    guessed: bool

    def meets(self, other: Region | Rows) -> bool:
        """Whether a box has an element in common with these."""
        boxes = [pair for k, pair in enumerate(zip(self.ranges, other.ranges, strict=True)) if k not in self.points]
        if self.empty or other.is_empty or not all(meet(r, s) for r, s in boxes):
            return False
        inside = [contains(other.ranges[k], positions) for k, positions in self.points.items()]
        return not inside or bool(np.logical_and.reduce(inside).any())


def contains(positions: Any, numbers: Array) -> Array:
    """Membership of numbers in a range or a set, elementwise."""
    if isinstance(positions, range):
        count, rest = np.divmod(numbers - positions.start, positions.step)
        found: Array = (rest == 0) & (count >= 0) & (count < len(positions))
        return found
    return np.isin(numbers, list(positions))


class Picker:
    """Reader of the entries of an index of a window, a part of a place."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.ranges = list(region.ranges)
        self.arrays: dict[int, Array] = {}
        self.axis = 0
        self.empty, self.guessed = region.is_empty, False

    def pick(self, key: Any) -> Points:
        """Part of the place."""
        entries, ndim = keys.entries_of(key), len(self.region.axes)
        given = sum([keys.axes_of(e) for e in entries])
        for e in keys.complete(tuple(entries), given, ndim):
            if e is Ellipsis:
                self.axis += ndim - given
            elif type(e) is keys.Mask:
                self.mask(e.tensor)
            elif hasattr(e, "_data") or type(e) is keys.Constant:
                self.array(getattr(e, "tensor", e)._data)
            elif e is not None:
                self.plain(e)
        shape = broadcast_shapes([a.shape for a in self.arrays.values()], "index arrays")
        points = {k: np.broadcast_to(a, shape).reshape(-1) for k, a in self.arrays.items()}
        return Points(tuple(self.ranges), points, self.empty or 0 in shape, self.guessed)

    def place_axis(self) -> tuple[int | None, range]:
        """Axis of the place behind the window's next one (None: a new one), and its visible positions."""
        axis = self.region.axes[self.axis]
        self.axis += 1
        return (axis, self.region.ranges[axis]) if isinstance(axis, int) else (None, axis)

    def plain(self, e: Any) -> None:
        """Int or slice."""
        axis, shown = self.place_axis()
        part, start = keys.entry(e, self.axis - 1, len(shown))
        if start is not None:
            chosen = shown[start : start + 1] if part == "i" else shown[e]
            self.empty = self.empty or not chosen
            if axis is not None:
                self.ranges[axis] = chosen

    def array(self, values: Any) -> None:
        """Index array, if its values are known."""
        axis, shown = self.place_axis()
        if type(values) is not np.ndarray:
            self.guessed = True
            return
        self.empty = self.empty or not values.size
        if axis is not None:
            size = len(shown)
            self.arrays[axis] = shown.start + np.where(values < 0, values + size, values) * shown.step

    def mask(self, mask: Any) -> None:
        """Mask, if its values are known: an index array for each of its axes."""
        values = mask._data
        if type(values) is not np.ndarray:
            self.guessed = True
            self.axis += len(mask._aval.shape)
            return
        self.empty = self.empty or not values.any()
        for positions in np.nonzero(values) if values.ndim else ():
            self.array(positions)


@dataclass(frozen=True, slots=True)
class Inner:
    """Nested index of a place: a part of its selection, given by ``key``, an index of that or a function that computes
    one."""

    outer: Any
    key: Any

    def inner(self) -> Any:
        """Inner index."""
        return self.key() if callable(self.key) else self.key
