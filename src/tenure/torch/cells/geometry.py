"""Geometry of a tensor as PyTorch has it: where in the elements of its owner it begins, and how far its axes step.

It decides what PyTorch can view, which elements two tensors share, and what ``stride()`` says. No element lies there:
the values are the home library's, whose layout is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from tenure.errors import following


class Geometry(NamedTuple):
    """Offset, size of each axis, and step of each axis, in elements."""

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements lie in C order without gaps; an axis of size 1 does not count."""
        expected = 1
        for n, step in zip(reversed(self.shape), reversed(self.strides), strict=True):
            if n != 1 and step != expected:
                return self.size == 0
            expected *= n
        return True

    def permuted(self, order: Sequence[int]) -> Geometry:
        """Geometry with its axes in another order."""
        return Geometry(
            self.offset, tuple([self.shape[k] for k in order]), tuple([self.strides[k] for k in order])
        )

    def expanded(self, shape: Sequence[int]) -> Geometry:
        """Geometry broadcast to a shape: the new axes step by 0, or, of size 1, as PyTorch has it."""
        strides: list[int] = []
        following = 1
        for k in range(1, len(shape) + 1):
            there = k <= len(self.shape)
            n, step = (self.shape[-k], self.strides[-k]) if there else (1, following)
            step = step if n == shape[-k] else 0
            strides.insert(0, step)
            following = shape[-k] * step
        return Geometry(self.offset, tuple(shape), tuple(strides))

    def fitted(self, shape: Sequence[int]) -> Geometry:
        """Geometry without the leading axes of size 1 that a shape has not, broadcast to it if that is possible."""
        extra = len(self.shape) - len(shape)
        if extra > 0 and any(n != 1 for n in self.shape[:extra]):
            return self
        less = self if extra <= 0 else Geometry(self.offset, self.shape[extra:], self.strides[extra:])
        return less.expanded(shape)

    def diagonal(self, offset: int, first: int, second: int) -> Geometry:
        """Geometry of a diagonal, whose axis comes last."""
        rows, columns = self.shape[first], self.shape[second]
        size = max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))
        start = self.offset
        if size:
            start += offset * self.strides[second] if offset >= 0 else -offset * self.strides[first]
        rest = [k for k in range(len(self.shape)) if k not in (first, second)]
        shape = (*[self.shape[k] for k in rest], size)
        return Geometry(start, shape, (*[self.strides[k] for k in rest], self.strides[first] + self.strides[second]))

    def unfolded(self, axis: int, size: int, step: int) -> Geometry:
        """Geometry of the windows of a size along an axis; the axis within them comes last."""
        count = (self.shape[axis] - size) // step + 1
        shape = (*self.shape[:axis], count, *self.shape[axis + 1 :], size)
        strides = (*self.strides[:axis], self.strides[axis] * step, *self.strides[axis + 1 :], self.strides[axis])
        return Geometry(self.offset, shape, strides)

    def indexed(self, spec: Sequence[Any], starts: Sequence[int]) -> Geometry:
        """Geometry of a basic index, as ``keys.parse`` gives it: an int, a slice, a new axis or a whole one."""
        offset, shape, strides, axis = self.offset, [], [], 0
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
        return Geometry(offset, tuple(shape), tuple(strides))

    def viewed(self, shape: tuple[int, ...]) -> Geometry | None:
        """Geometry of the same elements in another shape; None where that needs a copy."""
        if self.size == 0:
            return contiguous(shape, self.offset) if shape != self.shape else self
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
        return Geometry(self.offset, shape, tuple(reversed(found))) if at < 0 else None

    def overlaps(self, other: Geometry) -> bool:
        """Whether the two have an element in common."""
        if not self.size or not other.size:
            return False
        low, high = self._bounds()
        other_low, other_high = other._bounds()
        if high < other_low or other_high < low:
            return False
        return bool(np.shares_memory(np.asarray(_Elements(self)), np.asarray(_Elements(other))))

    def _bounds(self) -> tuple[int, int]:
        """First and last element."""
        last = self.offset
        for n, step in zip(self.shape, self.strides, strict=True):
            last += (n - 1) * step
        return self.offset, last


def contiguous(shape: Sequence[int], offset: int = 0) -> Geometry:
    """Geometry of a shape in C order."""
    strides: list[int] = []
    step = 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return Geometry(offset, tuple(shape), tuple(reversed(strides)))


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
