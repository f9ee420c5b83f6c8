"""Likes: the common part of what differs in extents alone, as one object.

    f32[37, 64] and f32[50, 64]                     are  f32[#, #], with the extents (37, 64) and (50, 64)
    exp f32[37, 64] and exp f32[50, 64]             are of one ``Kin``, with these extents

Extents are whole numbers in shapes and in parameters, those below 0 by their absolute value; -1, 0 and 1 belong to
what is common, as they decide what broadcasts and what is empty.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, ClassVar, Self

from tenure.errors import following
from tenure.ir.aval import Aval
from tenure.ir.extents import Extent, Ratio, plain

NUMBER, NEGATIVE = "#", "-#"
MOST = 1 << 14
"""Entries at which a table is emptied: under thousands of shapes it would else grow for good."""


class Bounded(dict[Any, Any]):
    """Table that is emptied when it is full. Whatever is looked up in it can be made once more."""

    __slots__ = ()

    def keep(self, key: Any, value: Any) -> Any:
        """Add an entry; the one that is there already, if another thread has added it."""
        if len(self) >= MOST:
            self.clear()
        return self.setdefault(key, value)

    def entry(self, key: Any, make: Callable[[], Any]) -> Any:
        """The entry of a key, made if there is none."""
        found = self.get(key)
        return self.keep(key, make()) if found is None else found


def untracked(*things: Any) -> None:
    """Let the cyclic collector look at some objects no more: they stay long, and are in no cycle that is not broken
    otherwise. Nothing where there are no builtins."""


class Made(dict[Any, Any]):
    """Things of one kin by their extents. Those of all kins are bounded together: ``left`` says how many more may be
    added, as a word that native code counts down too."""

    __slots__ = ()
    filled: ClassVar[list[Made]] = []
    left: ClassVar[array[int]] = array("q", [MOST])

    def keep(self, extents: Any, value: Any) -> Any:
        """Add a thing; the one that is there already, if another thread has added it."""
        if Made.left[0] <= 0:
            for table in Made.filled:
                for at in [*table.values()]:
                    at.rules = ()  # which may lead back to it
                table.clear()
            Made.filled, Made.left[0] = [], MOST
        if not self:
            Made.filled.append(self)
        Made.left[0] -= 1
        return self.setdefault(extents, value)


class Symbolic(Exception):
    """A parameter holds symbols already."""


class Twinned:
    """Base class of objects with slots that are copied often."""

    __slots__ = ()

    def twin(self) -> Self:
        """A copy, with the same objects in its slots."""
        made = object.__new__(type(self))
        slots: tuple[str, ...] = type(self).__slots__
        for name in slots:
            if hasattr(self, name):
                setattr(made, name, getattr(self, name))
        return made


class Like:
    """Avals that differ in extents alone, as one object: it is hashed and compared in no time."""

    __slots__ = ()


class Kin:
    """Applications that differ in extents alone: ``made`` has them by their extents, ``lines`` what follows from their
    extents (``ir.kin``), by name."""

    __slots__ = ("lines", "made")

    def __init__(self) -> None:
        self.made = Made()
        self.lines: dict[Any, Any] = {}


CALLS = "calls"
"""The name of a kin's line of records (``compile.records``)."""
STRIPPED, LIKES, KINS = Bounded(), Bounded(), Bounded()
"""Avals without their extents, and these; objects for avals without extents, and for applications."""


def stripped(value: Any, extents: list[int]) -> Any:
    """A parameter without its extents, which are appended to ``extents``. Symbols raise Symbolic."""
    if type(value) is int:
        if -2 < value < 2:
            return value
        extents.append(abs(value))
        return NUMBER if value > 0 else NEGATIVE
    if type(value) is tuple:
        return tuple([stripped(part, extents) for part in value])
    if type(value) is Aval:
        said, own = like_of(value)
        extents += own
        return said
    if isinstance(value, int | float):
        if isinstance(value, Extent | Ratio):
            raise Symbolic
        return type(value), repr(value)
    return value


def like_of(aval: Aval) -> tuple[Like, tuple[int, ...]]:
    """An aval without its extents, and these."""
    found: tuple[Like, tuple[int, ...]] | None = STRIPPED.get(aval)
    if found is None:
        own: list[int] = []
        said = (stripped(aval.shape, own), *aval[1:])
        found = STRIPPED.keep(aval, (LIKES.entry(said, Like), tuple(own)))
        untracked(aval, found)
    return found


def spelled(value: Any, extents: list[int]) -> Any:
    """As ``stripped``, for what holds symbols: that they are no less than 2, or no more than -2, becomes a
    condition."""
    if isinstance(value, Extent):
        negative = plain(value) < 0
        size = -value if negative else value
        if size < 2:
            raise Symbolic
        extents.append(size)
        return NEGATIVE if negative else NUMBER
    if type(value) is tuple:
        return tuple([spelled(part, extents) for part in value])
    if type(value) is Aval:
        said = (spelled(value.shape, extents), *value[1:])
        return LIKES.entry(said, Like)
    return stripped(value, extents)


def filled(value: Any, extents: Iterator[int]) -> Any:
    """A parameter with other extents."""
    if type(value) is int:
        return value if -2 < value < 2 else following(extents) if value > 0 else -following(extents)
    if type(value) is tuple:
        return tuple([filled(part, extents) for part in value])
    if type(value) is Aval:
        return Aval(filled(value.shape, extents), *value[1:])
    return value


def kin_by(key: Any) -> Kin:
    """The kin of a key."""
    return KINS.entry(key, Kin)  # type: ignore[no-any-return]


NUMBERS = Bounded()
"""Keys by number: a number is shorter to hash."""
COUNT = count(1)


def numbered(key: Any) -> int:
    """The number of a key; none is given twice."""
    return NUMBERS.entry(key, lambda: following(COUNT))  # type: ignore[no-any-return]
