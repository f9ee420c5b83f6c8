"""Geometry of a tensor as PyTorch has it: where in the elements of its owner it begins, and how far its axes step.

It decides what PyTorch can view, which elements two tensors share, and what ``stride()`` says. No element lies there:
the values are the home library's, whose layout is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from tenure.errors import following

MOST = 4096
"""Number of layouts, and of what one remembers, at most."""


class Layout:
    """Size of each axis, and step of each in elements. One object stands for each of them: it remembers the views that
    were taken of it (``views``, and ``shapes`` by the sizes asked for), so that what a view looks like is worked out
    once."""

    __slots__ = ("is_contiguous", "shape", "shapes", "size", "strides", "views")

    def __init__(self, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.shape = shape
        self.strides = strides
        self.size = prod(shape)
        self.is_contiguous = self.size == 0 or follows(shape, strides)
        self.views: dict[Hashable, Any] = {}
        self.shapes: dict[Hashable, Any] = {}

    def permuted(self, order: Sequence[int]) -> Layout:
        """Layout with its axes in another order."""
        return layout(tuple([self.shape[k] for k in order]), tuple([self.strides[k] for k in order]))

    def expanded(self, shape: Sequence[int]) -> Layout:
        """Layout broadcast to a shape: the new axes step by 0, or, of size 1, as PyTorch has it: those of what has no
        axes step by 0 too."""
        strides: list[int] = []
        following = 1 if self.shape else 0
        for k in range(1, len(shape) + 1):
            there = k <= len(self.shape)
            n, step = (self.shape[-k], self.strides[-k]) if there else (1, following)
            step = step if n == shape[-k] else 0
            strides.insert(0, step)
            following = shape[-k] * step
        return layout(tuple(shape), tuple(strides))

    def fitted(self, shape: Sequence[int]) -> Layout:
        """Layout broadcast to another shape, if that is possible, without any leading axes of size 1."""
        ones = next((k for k, n in enumerate(self.shape) if n != 1), len(self.shape))
        if self.shape == tuple(shape) or len(self.shape) - ones > len(shape):
            return self
        return layout(self.shape[ones:], self.strides[ones:]).expanded(shape)

    def diagonal(self, offset: int, first: int, second: int) -> Geometry:
        """Geometry of a diagonal, whose axis comes last."""
        rows, columns = self.shape[first], self.shape[second]
        size = max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))
        start = 0
        if size:
            start += offset * self.strides[second] if offset >= 0 else -offset * self.strides[first]
        rest = [k for k in range(len(self.shape)) if k not in (first, second)]
        shape = (*[self.shape[k] for k in rest], size)
        strides = (*[self.strides[k] for k in rest], self.strides[first] + self.strides[second])
        return Geometry(start, layout(shape, strides))

    def unfolded(self, axis: int, size: int, step: int) -> Layout:
        """Layout of the windows of a size along an axis; the axis within them comes last."""
        count = (self.shape[axis] - size) // step + 1
        shape = (*self.shape[:axis], count, *self.shape[axis + 1 :], size)
        strides = (*self.strides[:axis], self.strides[axis] * step, *self.strides[axis + 1 :], self.strides[axis])
        return layout(shape, strides)

    def indexed(self, spec: Sequence[Any], starts: Sequence[int]) -> Geometry:
        """Geometry of a basic index, as ``keys.parse`` gives it: an int, a slice, a new axis or a whole one."""
        offset, axis = 0, 0
        shape: list[int] = []
        strides: list[int] = []
        numbers = iter(starts)
        for entry in spec:
            if entry == "+":
                shape.append(1)
                strides.append(self.shape[axis] * self.strides[axis] if axis < len(self.shape) else 1)
                continue
            if entry != ":":
                offset += following(numbers) * self.strides[axis]
            if entry == ":":
                shape.append(self.shape[axis])
                strides.append(self.strides[axis])
            elif entry != "i":
                shape.append(int(entry[0]))
                strides.append(self.strides[axis] * int(entry[1]))
            axis += 1
        return Geometry(offset, layout(tuple(shape), tuple(strides)))

    def viewed(self, shape: tuple[int, ...]) -> Layout | None:
        """Layout of the same elements in another shape; None where that needs a copy."""
        if self.size == 0:
            return contiguous(shape) if shape != self.shape else self
        found: list[int] = []
        at, base, size = len(shape) - 1, self.strides[-1] if self.strides else 1, 1
        for axis in range(len(self.shape) - 1, -1, -1):
            size *= self.shape[axis]
            outer = axis - 1
            if outer >= 0 and (self.shape[outer] == 1 or self.strides[outer] == size * base):
                continue
            taken = 1
            while at >= 0 and (taken < size or shape[at] == 1):
                found.append(taken * base)
                taken *= shape[at]
                at -= 1
            if taken != size:
                return None
            if outer >= 0:
                base, size = self.strides[outer], 1
        if not self.shape:
            found, at = [1] * len(shape), -1
        return layout(shape, tuple(reversed(found))) if at < 0 else None


LAYOUTS: dict[tuple[tuple[int, ...], tuple[int, ...]], Layout] = {}
IN_ORDER: dict[tuple[int, ...], Layout] = {}


def layout(shape: tuple[int, ...], strides: tuple[int, ...]) -> Layout:
    """Layout of a shape and strides."""
    found = LAYOUTS.get((shape, strides))
    if found is None:
        if len(LAYOUTS) >= MOST:
            LAYOUTS.clear()
            IN_ORDER.clear()
        found = LAYOUTS[shape, strides] = Layout(shape, strides)
    return found


def contiguous(shape: tuple[int, ...]) -> Layout:
    """Layout of a shape in C order."""
    found = IN_ORDER.get(shape)
    if found is None:
        strides: list[int] = []
        step = 1
        for n in reversed(shape):
            strides.append(step)
            step *= max(n, 1)
        found = layout(shape, tuple(reversed(strides)))
        IN_ORDER[shape] = found
    return found


def follows(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether elements lie in C order without gaps; an axis of size 1 does not count."""
    expected = 1
    for n, step in zip(reversed(shape), reversed(strides), strict=True):
        if n != 1 and step != expected:
            return False
        expected *= n
    return True


def is_dense(of: Layout) -> bool:
    """Whether the elements lie without gaps, in some order of the axes."""
    expected = 1
    for step, n in sorted([(abs(step), n) for step, n in zip(of.strides, of.shape, strict=True) if n != 1]):
        if step != expected:
            return False
        expected *= n
    return True


def keep(known: dict[Hashable, Any], key: Hashable, found: Any) -> Any:
    """Keep an entry in a layout's memory."""
    if len(known) >= MOST:
        known.clear()
    known[key] = found
    return found


def made(of: Layout, key: Hashable, make: Callable[..., Any], *args: Any) -> Any:
    """Entry of a layout's memory under a key: made when it is first asked for."""
    found = of.views.get(key)
    return keep(of.views, key, make(of, *args)) if found is None else found


class Geometry(NamedTuple):
    """Offset of the first element in those of the owner, and layout."""

    offset: int
    layout: Layout

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis."""
        return self.layout.shape

    @property
    def strides(self) -> tuple[int, ...]:
        """The step of each axis."""
        return self.layout.strides

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.layout.size

    def is_same(self, other: Geometry) -> bool:
        """Whether the two show the same elements in the same way."""
        return self.offset == other.offset and self.shape == other.shape and self.strides == other.strides

    def overlaps(self, other: Geometry) -> bool:
        """Whether the two have an element in common."""
        if not self.size or not other.size:
            return False
        low, high = self.bounds()
        other_low, other_high = other.bounds()
        if high < other_low or other_high < low:
            return False
        if self.layout.is_contiguous and other.layout.is_contiguous:
            return True
        return bool(np.shares_memory(np.asarray(_Elements(self)), np.asarray(_Elements(other))))

    def bounds(self) -> tuple[int, int]:
        """First and last element."""
        if self.layout.is_contiguous:
            return self.offset, self.offset + self.layout.size - 1
        first = last = self.offset
        for n, step in zip(self.shape, self.strides, strict=True):
            reach = (n - 1) * step
            first, last = (first, last + reach) if step >= 0 else (first + reach, last)
        return first, last


BASE = 1 << 40
"""Address at which elements are imagined; none is read."""


class _Elements:
    """Memory of a byte an element with a geometry, for NumPy to compare."""

    def __init__(self, geometry: Geometry) -> None:
        self.__array_interface__ = {
            "version": 3,
            "typestr": "|u1",
            "data": (BASE + geometry.offset, False),
            "shape": geometry.shape,
            "strides": geometry.strides,
        }
