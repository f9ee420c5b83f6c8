"""Regions: the elements of a place that a chain of basic indices selects, and their overlap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any

from tenure.errors import BorrowError, OutOfRange, following
from tenure.ir import likes
from tenure.ops.index import Spec
from tenure.values.operations import indexing
from tenure.values.rules.sites import site


@dataclass(frozen=True, slots=True)
class Region:
    """Per axis of the place the positions selected, as a range; ``axes`` are the place's axes that the window
    still shows (a range for a new axis, of 1 or 0 positions); ``last`` is the index that led here from the parent."""

    ranges: tuple[range, ...]
    axes: tuple[int | range, ...]
    last: tuple[Spec, tuple[int, ...]]
    is_whole: bool

    @staticmethod
    @lru_cache(maxsize=4096)
    def whole(shape: tuple[int, ...]) -> Region:
        """Region of all elements."""
        found = Region(tuple([range(n) for n in shape]), tuple(range(len(shape))), ((), ()), True)
        likes.untracked(found)
        return found

    def sub(self, spec: Spec, starts: tuple[int, ...]) -> Region:
        """Region that a basic index selects of this one."""
        ranges, source, numbers = list(self.ranges), iter(self.axes), iter(starts)
        axes: list[int | range] = []
        for entry in spec:
            if entry == "+":
                axes.append(range(1))
                continue
            axis = following(source)
            if entry == ":":
                axes.append(axis)
                continue
            start = following(numbers)
            length, step = (1, 1) if entry == "i" else (int(entry[0]), int(entry[1]))
            stop = start + length * step
            shown = ranges[axis] if isinstance(axis, int) else axis
            shown = shown[start : (stop if stop >= 0 else None) : step] if length else range(0)
            if isinstance(axis, int):
                ranges[axis] = shown
            if entry != "i":
                axes.append(axis if isinstance(axis, int) else shown)
        return Region(tuple(ranges), tuple(axes), (spec, starts), False)

    @property
    def is_empty(self) -> bool:
        """Whether a new axis, which no axis of the place shows, is empty."""
        return range(0) in self.axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the window."""
        return tuple([len(self.ranges[a] if isinstance(a, int) else a) for a in self.axes])

    def key(self) -> tuple[slice, ...]:
        """Region as one index of the place that keeps all of its axes."""
        return tuple([_slice(r) for r in self.ranges])

    def read(self, value: Any) -> Any:
        """Region of a value, in the shape of the window."""
        return self.seen(indexing.getitem(value, self.key()))

    def seen(self, block: Any) -> Any:
        """Block with all axes of the place, in the shape of the window."""
        return (block.reshape((-1,))[:0] if self.is_empty else block).reshape(self.shape)

    def shaped(self, value: Any) -> Any:
        """Value of the window as a block with all axes of the place."""
        return value.reshape(tuple([len(r) for r in self.ranges]))


@dataclass(frozen=True, slots=True)
class Rows:
    """Region that an index set along the first axis selects, in the order of the index."""

    index: tuple[int, ...]
    ranges: tuple[Any, ...]
    is_whole: bool = False
    is_empty: bool = False

    @staticmethod
    def of(index: Sequence[int], shape: tuple[int, ...], here: Callable[[], Any]) -> Rows:
        """TN801 for an index outside, TN499 for one that occurs twice."""
        size = shape[0]
        for i in index:
            if not -size <= i < size:
                raise OutOfRange(f"index {i} is out of range for axis 0 of size {size}", at=site(here()))
        rows = tuple([i % size for i in index])
        if len(set(rows)) < len(rows):
            twice = following(i for k, i in enumerate(rows) if i in rows[:k])
            raise BorrowError(
                f"an index set of an exclusive part has row {twice} twice",
                code="TN499",
                at=site(here()),
                help="parts that are written at the same time must not have an element in common",
            )
        return Rows(rows, (frozenset(rows), *[range(n) for n in shape[1:]]))

    def key(self) -> tuple[list[int]]:
        """Region as an index of the place."""
        return (list(self.index),)

    def seen(self, block: Any) -> Any:
        """Block in the shape of the window."""
        return block

    def shaped(self, value: Any) -> Any:
        """Value of the window as a block."""
        return value


def _slice(r: range) -> slice:
    if not r:
        return slice(0, 0)
    stop = r[-1] + (1 if r.step > 0 else -1)
    return slice(r.start, stop if stop >= 0 else None, r.step)


def overlap(a: Region | Rows, b: Any) -> bool:
    """Whether two parts of one place have an element in common; the second may be what an index array writes."""
    if not isinstance(b, Region | Rows):
        return b.meets(a)  # type: ignore[no-any-return]
    return not (a.is_empty or b.is_empty) and all(meet(r, s) for r, s in zip(a.ranges, b.ranges, strict=True))


def meet(a: Any, b: Any) -> bool:
    """Whether two arithmetic progressions (Bézout: the difference is a multiple of the gcd) or sets share a member."""
    if not a or not b:
        return False
    if isinstance(a, frozenset) or isinstance(b, frozenset):
        small, large = sorted((a, b), key=len)
        return any(k in large for k in small)
    a, b = (r if r.step > 0 else r[::-1] for r in (a, b))
    if a[-1] < b[0] or b[-1] < a[0] or (b[0] - a[0]) % gcd(a.step, b.step):
        return False
    small, large = sorted((a, b), key=len)
    return any(k in large for k in small)
