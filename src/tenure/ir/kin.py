"""Kin: facts that follow from extents, found once for all cases that differ in extents alone.

    add f32[37, 64] f32[64]; then with 50; then with 61        from here on  add f32[s0, 64] f32[64], where s0 != 1

A function of avals and parameters is run for the first few extents. Then it runs once on symbols (``ir.extents``), and
what it makes is filled in for the extents to come, if these meet the conditions. It is compared before with what was
made of the first ones, and with what is made of extents elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from operator import itemgetter
from typing import Any

from tenure.errors import following
from tenure.ir.applications import Application, Bounded, applied
from tenure.ir.aval import Aval
from tenure.ir.extents import Extent, Extents, Ratio
from tenure.report.frames import frames, is_own

NUMBER = "#"
EXAMPLES = 2
"""Things that are made by running the function, before it runs on symbols."""
ATTEMPTS = 3
"""Runs on symbols that may fail."""
MOST = 6
"""Cases of a line that are kept."""
Run = Callable[[Sequence[int]], Any]
Wrap = Callable[[Any, Extents], Any]
Values = tuple[int, ...]
"""Values of the symbols."""


class Symbolic(Exception):
    """A parameter holds symbols already."""


def stripped(value: Any, extents: list[int]) -> Any:
    """A parameter without its whole numbers, which are appended to ``extents``. Those below 2 stay, as they decide what
    broadcasts and what is empty. Symbols raise Symbolic."""
    if type(value) is int:
        if value < 2:
            return value
        extents.append(value)
        return NUMBER
    if type(value) is tuple:
        return tuple([stripped(part, extents) for part in value])
    if type(value) is Aval:
        said, own = STRIPPED.get(value) or STRIPPED.keep(value, without_extents(value))
        extents += own
        return said
    if isinstance(value, int | float):
        if isinstance(value, Extent | Ratio):
            raise Symbolic
        return type(value), repr(value)
    return value


class Likes:
    """Avals that differ in extents alone, as one object: it is hashed and compared in no time."""

    __slots__ = ()


STRIPPED, LIKES = Bounded(), Bounded()
"""Avals without their extents, and these; objects for avals without extents."""


def without_extents(aval: Aval) -> tuple[Likes, list[int]]:
    """An aval without its extents, and these."""
    own: list[int] = []
    said = (stripped(aval.shape, own), *aval[1:])
    return LIKES.get(said) or LIKES.keep(said, Likes()), own


def filled(value: Any, extents: Iterator[int]) -> Any:
    """A parameter with other whole numbers."""
    if type(value) is int:
        return value if value < 2 else following(extents)
    if type(value) is tuple:
        return tuple([filled(part, extents) for part in value])
    if type(value) is Aval:
        return Aval(filled(value.shape, extents), *value[1:])
    return value


class Likeness:
    """The extents in which two cases differ, each pair of values as one symbol.

    ``places`` are those of the extents that differ, ``symbols`` the number of each one's symbol; ``first`` is a place
    for each symbol.
    """

    __slots__ = ("count", "first", "fixed", "others", "pairs", "places", "symbols")

    def __init__(self, some: Sequence[int], others: Sequence[int]) -> None:
        known: dict[tuple[int, int], int] = {}
        self.count = len(some)
        self.places = [k for k, pair in enumerate(zip(some, others, strict=True)) if pair[0] != pair[1]]
        self.symbols = [known.setdefault((some[k], others[k]), len(known)) for k in self.places]
        self.first = [self.places[self.symbols.index(k)] for k in range(len(known))]
        self.pairs = [(k, at) for k, at in zip(self.places, self.symbols, strict=True) if self.first[at] != k]
        left = sorted({*range(len(some))} - {*self.places})
        self.others = itemgetter(*left) if left else None
        self.fixed = self.others(others) if self.others else None

    def values(self, extents: Sequence[int]) -> Values | None:
        """Values of the symbols for the extents of another case; None if it is not alike."""
        if self.others is not None and self.others(extents) != self.fixed:
            return None
        values = tuple([extents[k] for k in self.first])
        for k, symbol in self.pairs:
            if extents[k] != values[symbol]:
                return None
        return values

    def symbolic(self, extents: Sequence[int], symbols: Extents) -> list[int]:
        """The extents of a case, with symbols in place of those that differ."""
        return self.with_values(extents, tuple(symbols.symbols))

    def with_values(self, extents: Sequence[int], values: Values) -> list[int]:
        """The extents of a case with other values of the symbols."""
        out = list(extents)
        for k, symbol in zip(self.places, self.symbols, strict=True):
            out[k] = values[symbol]
        return out

    def apart(self, some: Sequence[int], others: Sequence[int]) -> bool:
        """Whether two cases differ in each symbol."""
        return all(some[k] != others[k] for k in self.first)


def elsewhere(values: Values) -> list[Values]:
    """Values of symbols that no example has had: the next ones, as roundings hide what is lost nearby, and far ones."""
    return [tuple([n * by + more for n in values]) for by, more in ((1, 1), (1, 7), (37, 11))]


class Line:
    """Results of a function of extents: the ``examples`` that were made by running it, and what was made on symbols."""

    __slots__ = ("examples", "failed", "general")

    def __init__(self) -> None:
        self.examples: list[tuple[Sequence[int], Any]] = []
        self.general: list[tuple[Likeness, Callable[..., bool], Any]] = []
        self.failed = 0

    def at(self, extents: Sequence[int]) -> Any:
        """The result for some extents; None if that is not known."""
        for likeness, holds, general in self.general:
            values = likeness.values(extents)
            if values is not None and holds(*values):
                return general.at(values)
        return None

    def note(self, extents: Sequence[int], made: Any, run: Run, wrap: Wrap) -> None:
        """Note what was made by running the function, and run it on symbols if there are examples."""
        if len(self.examples) >= EXAMPLES and self.failed < ATTEMPTS:
            try:
                self.learn(extents, made, run, wrap)
            except Exception as error:  # what symbols are not made for
                if not all(map(is_own, frames(error))):  # a signal handler has raised it
                    raise
                self.failed += 1
        self.examples = [*self.examples[1 - EXAMPLES :], (extents, made)]

    def learn(self, extents: Sequence[int], made: Any, run: Run, wrap: Wrap) -> None:
        """Run the function on symbols. What comes of it must agree with examples, among which each symbol differs."""
        found = [Likeness(other, extents) for other, _ in self.examples]
        likeness = min(found, key=lambda one: len(one.places))
        if not likeness.places:
            return
        symbols = Extents([extents[k] for k in likeness.first])
        general = wrap(run(likeness.symbolic(extents, symbols)), symbols)
        holds, agreed = symbols.holds(), False
        for other, like in [*self.examples, (extents, made)]:
            values = likeness.values(other)
            if values is not None and holds(*values):
                if not general.agrees(general.at(values), like):
                    raise ValueError("an example does not agree")
                agreed = agreed or likeness.apart(other, extents)
        for values in elsewhere(likeness.values(extents) or ()):
            if holds(*values):
                other = likeness.with_values(extents, values)
                if not general.agrees(general.at(values), run(other)):
                    raise ValueError("it does not agree elsewhere")
        if agreed:
            self.general = [(likeness, holds, general), *self.general[: MOST - 1]]


NUMBERS = Bounded()
"""Keys by number: a number is shorter to hash."""
COUNT = count(1)


def numbered(key: Any) -> int:
    """The number of a key; none is given twice."""
    found: int | None = NUMBERS.get(key)
    return NUMBERS.keep(key, following(COUNT)) if found is None else found


def kind_of(at: Application) -> tuple[int, list[int]]:
    """The number of what an application shares with others that differ in extents alone, and its extents; 0 where its
    parameters are no keys, or symbols."""
    if at.kin is None:
        extents: list[int] = []
        try:
            key = (at.primitive, stripped(tuple(at.params.items()), extents), stripped(at.operands, extents))
            at.kin = numbered(key), extents
        except (TypeError, Symbolic):
            at.kin = 0, []
    return at.kin  # type: ignore[no-any-return]


def like(at: Application, extents: Sequence[int]) -> Application:
    """An application with other extents."""
    if at.kin is not None and extents is at.kin[1]:
        return at
    left = iter(extents)
    params = filled(tuple(at.params.items()), left)
    return applied(at.primitive, dict(params), filled(at.operands, left))


LINES = Bounded()


def kin(key: Any, extents: Sequence[int], run: Run, wrap: Wrap) -> Any:
    """The result of a function of some extents, under a key for all cases that differ in extents alone. ``wrap`` makes
    of what it gives for symbols a thing that has ``at`` values of the symbols, and says whether one ``agrees``."""
    line: Line = LINES.get(key) or LINES.keep(key, Line())
    found = line.at(extents)
    if found is None:
        found = run(extents)
        if found is not None:
            line.note(extents, found, run, wrap)
    return found


def known(key: Any, extents: Sequence[int]) -> Any:
    """The result of a function of some extents as ``kin`` has it, if that needs no run of the function; else None."""
    line: Line | None = LINES.get(key)
    return None if line is None else line.at(extents)
