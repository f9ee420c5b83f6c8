"""Sums of products of symbols as words, for native code: what a line makes of symbols, filled in without Python.

    s0*64 + 1                          is  2 monomials: 64, of one factor, s0; 1, of none

A condition, a shape or a parameter that is no such sum has no words; what needs it is filled in by Python then.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tenure.ir.applications import Application
from tenure.ir.aval import Aval
from tenure.ir.extents import Extent, Extents, form_of, symbolic
from tenure.ir.likes import Kin, Symbolic, kin_by, spelled

if TYPE_CHECKING:
    from tenure.ir.kin import Likeness

__all__ = ["MOST_AVALS", "MOST_EXTENTS", "MOST_SYMBOLS", "SIGNS", "Plain", "listed_words", "matching_words", "plain_of"]

MOST_EXTENTS, MOST_SYMBOLS, MOST_AVALS = 32, 8, 32
"""Most extents, symbols and avals that native code takes."""
BOUND = 1 << 62
SIGNS = ("==", "<", "<=", ">", ">=", "!=")


Keyed = tuple[str, Application]
"""A constant: its key, and the application."""


class Wordless(Exception):
    """Something has no words."""


class Words:
    """Words under construction, for symbols of ``extents``, of which there are ``count``. The first one is the extent
    below which no sum leaves 62 bits."""

    __slots__ = ("count", "extents", "words")

    def __init__(self, extents: Extents, count: int) -> None:
        self.extents, self.count = extents, count
        self.words = [BOUND]

    def sum(self, x: Any) -> None:
        """Append a number as a sum."""
        if not isinstance(x, int):
            raise Wordless
        form = form_of(x)
        self.words.append(len(form))
        size, degree = sum([abs(n) for _, n in form]), max([len(factors) for factors, _ in form], default=0)
        if size >= BOUND or any(k >= self.count for factors, _ in form for k in factors):
            raise Wordless
        if degree:
            self.words[0] = min(self.words[0], int((BOUND / max(size, 1)) ** (1 / degree)))
        for factors, coefficient in form:
            self.words += (coefficient, len(factors), *factors)

    def place(self, numbers: Sequence[int]) -> int:
        """Append numbers as sums, behind how many they are; where they begin."""
        start = len(self.words)
        self.words.append(len(numbers))
        for x in numbers:
            self.sum(x)
        return start


def matching_words(likeness: Likeness, symbols: Extents) -> tuple[array[int], int] | None:
    """Words that say which extents are alike, as ``kin.matching`` does, and their address; None if there are none."""
    count = len(likeness.first)
    w = Words(symbols, count)
    if likeness.count > MOST_EXTENTS or count > MOST_SYMBOLS:
        return None
    w.words += (likeness.count, count, *likeness.first)
    pairs = [(k, at) for k, at in likeness.pairs if k != likeness.first[at]]
    fixed = likeness.fixed_at() if likeness.others else []
    for listed in (pairs, fixed):
        w.words += (len(listed), *[n for pair in listed for n in pair])
    w.words.append(len(symbols.conditions))
    try:
        for text, answer in symbols.conditions.items():
            asked = symbols.forms.get(text)
            if asked is None:
                return None
            w.words += (SIGNS.index(asked[1]), int(answer))
            w.sum(Extent.made(symbols, asked[0], 0))
    except Wordless:
        return None
    words = array("q", w.words)
    return words, words.buffer_info()[0]


class Plain:
    """Applications of symbols, to be made by native code. ``words`` has the sums, ``avals`` the avals in order: one
    that is the same for all, or a pair of one that is alike and of the place of its shape; ``applications`` and
    ``constants`` likewise. A constant that holds symbols is its application, the form of its key, and the place of its
    number; another is its key and application, and there are none if no constant holds symbols.

    An application is alike another one, of a kin; behind it stand the table of this kin, the place of its extents, its
    parameters, those of them that are symbolic, each with what is left of it without its sums (``apart``) and with the
    place of these, the numbers of the operands' avals, and of its own.
    """

    __slots__ = ("applications", "avals", "constants", "numbers", "start", "words")

    def __init__(self, held: Sequence[Keyed], once: Sequence[Application], symbols: Extents, count: int) -> None:
        self.numbers: dict[Any, int] = {}
        self.avals: list[Any] = []
        w = Words(symbols, count)
        self.constants = tuple([self.constant(key, at, w) for key, at in held])
        self.applications = [self.application(at, w) for at in once]
        self.words = array("q", w.words)
        self.start = self.words.buffer_info()[0]

    def aval(self, aval: Aval, w: Words) -> int:
        """The number of an aval."""
        key: Any = aval
        if symbolic(aval.shape):
            key = tuple([form_of(n) for n in aval.shape]), aval[1:]
        if key not in self.numbers:
            self.numbers[key] = len(self.avals)
            self.avals.append(aval if key is aval else (aval, w.place(aval.shape)))
        if len(self.avals) > MOST_AVALS:
            raise Wordless
        return self.numbers[key]

    def constant(self, key: str, at: Application, w: Words) -> Any:
        """A constant, as native code reads it."""
        number = at.params["value"]
        if not symbolic(number):
            return key, at
        if not isinstance(number, int):
            raise Wordless
        return self.application(at, w), f"int %lld {at.aval.dtype.name}\0".encode(), w.place([number])

    def application(self, at: Application, w: Words) -> Any:
        """An application, as native code reads it."""
        ans = self.aval(at.aval, w)
        if not any(map(symbolic, (*at.params.values(), at.aval.shape, *[aval.shape for aval in at.operands]))):
            return at, ans
        extents: list[int] = []
        try:
            kin: Kin = kin_by((at.primitive, spelled(tuple(at.params.items()), extents), spelled(at.operands, extents)))
        except (TypeError, Symbolic):
            raise Wordless from None
        operands = tuple([self.aval(aval, w) for aval in at.operands])
        return at, ans, kin, w.place(extents), *self.params(at.params, w), operands, kin.made

    def params(self, params: Mapping[str, Any], w: Words) -> tuple[dict[str, Any], tuple[Any, ...]]:
        """The parameters, and those that are symbolic."""
        said: list[Any] = []
        for name, x in params.items():
            if symbolic(x):
                sums: list[Any] = []
                said.append((name, apart(x, sums), w.place(sums)))
        return dict(params), tuple(said)


def apart(x: Any, sums: list[Any]) -> Any:
    """A parameter with Ellipsis in place of each symbolic number, which is appended to ``sums``."""
    if type(x) is tuple:
        return tuple([apart(part, sums) for part in x])
    if x is ...:
        raise Wordless
    if not symbolic(x):
        return x
    sums.append(x)
    return ...


Places = Sequence[tuple[int, Any]]
"""Places, each with what stands there."""


def listed_words(listed_sums: Sequence[Places], pairs: Places, symbols: Extents) -> array[int] | None:
    """Words of lists of places and sums, and of pairs of numbers; None if there are none."""
    w = Words(symbols, count_of(symbols))
    try:
        for listed in listed_sums:
            w.words.append(len(listed))
            for place, x in listed:
                w.words.append(place)
                w.sum(x)
    except Wordless:
        return None
    w.words += (len(pairs), *[n for pair in pairs for n in pair])
    return array("q", w.words) if w.count <= MOST_SYMBOLS else None


def count_of(symbols: Extents) -> int:
    """The number of symbols."""
    return sum([text.isalnum() for text in symbols.atoms])


def plain_of(held: Sequence[Keyed], once: Sequence[Application], symbols: Extents) -> Plain | None:
    """Constants and applications of symbols in the form that native code takes; None if it cannot."""
    count = count_of(symbols)
    try:
        return Plain(held, once, symbols, count) if count <= MOST_SYMBOLS else None
    except Wordless:
        return None
