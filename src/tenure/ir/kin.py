"""Kin: facts that follow from extents, found once for all cases that differ in extents alone.

    add f32[37, 64] f32[64]; then with 50; then with 61        from here on  add f32[s0, 64] f32[64], where s0 != 1

A function of avals and parameters is run for the first few extents. Then it runs once on symbols (``ir.extents``), and
what it makes is filled in for the extents to come, if these meet the conditions. It is compared before with what was
made of the first ones, and with what is made of extents elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from tenure.ir.extents import Extents
from tenure.ir.likes import Bounded
from tenure.ir.sums import matching_words
from tenure.report.frames import frames, is_own

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


class Likeness:
    """The extents in which some of the cases differ: those that are equal in each case are one symbol.

    ``places`` are those of the extents that differ, ``symbols`` the number of each one's symbol; ``first`` is a place
    for each symbol.
    """

    __slots__ = ("count", "first", "fixed", "left", "others", "pairs", "places", "symbols")

    def __init__(self, *cases: Sequence[int]) -> None:
        known: dict[Values, int] = {}
        columns = list(zip(*cases, strict=True))
        self.count = len(columns)
        self.places = [k for k, column in enumerate(columns) if column.count(column[0]) < len(cases)]
        self.symbols = [known.setdefault(columns[k], len(known)) for k in self.places]
        self.first = [self.places[self.symbols.index(k)] for k in range(len(known))]
        self.pairs = [(k, at) for k, at in zip(self.places, self.symbols, strict=True) if self.first[at] != k]
        self.left = left = sorted({*range(self.count)} - {*self.places})
        self.others = itemgetter(*left) if left else None
        self.fixed = self.others(cases[0]) if self.others else None

    @property
    def width(self) -> tuple[int, int]:
        """The number of places that differ, and of ways in which they do: it grows with the cases."""
        return len(self.places), len(self.first)

    def fixed_at(self) -> list[tuple[int, int]]:
        """The places of the extents that are the same in all cases, and these."""
        fixed: Any = self.fixed if len(self.left) > 1 else (self.fixed,)
        return list(zip(self.left, fixed, strict=False))

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


def matching(likeness: Likeness, symbols: Extents) -> Callable[..., Values | None]:
    """The function of the extents of a case, one by one, that gives the values of the symbols; None where it is not
    alike, or a condition does not hold. It is one expression, as it is asked for whatever is new."""
    names = [f"e{k}" for k in range(likeness.count)]
    for symbol, k in enumerate(likeness.first):
        names[k] = f"s{symbol}"
    asked = [f"{names[k]} == s{symbol}" for k, symbol in likeness.pairs if k != likeness.first[symbol]]
    asked += [f"{names[k]} == {n}" for k, n in likeness.fixed_at()]
    asked += symbols.asked()
    values = f"({''.join([f's{k}, ' for k in range(len(likeness.first))])})"
    found = symbols.function(f"{values} if {' and '.join(asked) or 'True'} else None", {}, names)

    def guarded(*extents: int) -> Values | None:
        try:
            return found(*extents)  # type: ignore[no-any-return]
        except ArithmeticError:  # a divisor is 0 there
            return None

    return guarded if any("//" in text for text in asked) else found


class Line:
    """Results of a function of extents: the ``examples`` that were made by running it, and what was made on symbols,
    each with what gives the values of its symbols (``matching``). ``varied`` are the cases that each differ from those
    before it in a place, or in a pair of places, where these do not."""

    __slots__ = ("examples", "failed", "general", "varied")

    def __init__(self) -> None:
        self.examples: list[tuple[Sequence[int], Any]] = []
        self.general: list[tuple[Callable[..., Values | None], Any]] = []
        self.varied: list[Sequence[int]] = []
        self.failed = 0

    def matched(self, extents: Sequence[int]) -> tuple[Any, Values]:
        """The thing made on symbols that some extents are values of, and these values; None if there is none."""
        for match, general in self.general:
            values = match(*extents)
            if values is not None:
                return general, values
        return None, ()

    def at(self, extents: Sequence[int]) -> Any:
        """The result for some extents, if that needs no run of the function; else None."""
        general, values = self.matched(extents)
        return None if general is None else general.at(values)

    def found(self, extents: Sequence[int], run: Run, wrap: Wrap) -> Any:
        """The result for some extents. ``wrap`` makes of what it gives for symbols a thing that has ``at`` values of
        the symbols, and says whether these, or what was filled in for them, ``agree`` with what was made by running
        the function."""
        found = self.at(extents)
        if found is None:
            found = run(extents)
            if found is not None:
                self.note(extents, found, run, wrap)
        return found

    def note(self, extents: Sequence[int], made: Any, run: Run, wrap: Wrap) -> None:
        """Note what was made by running the function, and run it on symbols if there are examples."""
        known, _ = self.matched(extents)
        if not self.varied or Likeness(*self.varied, extents).width > Likeness(*self.varied).width:
            self.varied.append(extents)
        if len(self.examples) >= EXAMPLES and self.failed < ATTEMPTS and known is None:
            self.learn(extents, made, run, wrap)
        self.examples = [*self.examples[1 - EXAMPLES :], (extents, made)]

    def learn(self, extents: Sequence[int], made: Any, run: Run, wrap: Wrap) -> None:
        """Run the function on symbols: for what differs from the nearest example; where there is such a case already,
        for whatever has differed, as these come to an end."""
        nearest = min([Likeness(other, extents) for other, _ in self.examples], key=lambda one: len(one.places))
        failed = 0
        for likeness in ([Likeness(*self.varied, extents)] if self.general else []) + [nearest]:
            if likeness.places:
                try:
                    found = self.on_symbols(likeness, extents, made, run, wrap)
                except Exception as error:  # what symbols are not made for
                    if not all(map(is_own, frames(error))):  # a signal handler has raised it
                        raise
                    failed = 1
                    continue
                if found is not None:
                    self.general = [found, *self.general[: MOST - 1]]
                    return
        self.failed += failed

    def on_symbols(
        self, likeness: Likeness, extents: Sequence[int], made: Any, run: Run, wrap: Wrap
    ) -> tuple[Callable[..., Values | None], Any] | None:
        """The result of the function on symbols. It must agree with results without them, among which each symbol
        differs; None where there are too few of these."""
        symbols = Extents([extents[k] for k in likeness.first])
        general = wrap(run(likeness.symbolic(extents, symbols)), symbols)
        general.matches = matching_words(likeness, symbols)
        match, agreed, alone = matching(likeness, symbols), False, Line()
        alone.general = [(match, general)]
        for other, like in [*self.examples, (extents, made)]:
            values = match(*other)
            if values is not None:
                if not general.agrees(values, alone.at(other), like):
                    raise ValueError("an example does not agree")
                agreed = agreed or likeness.apart(other, extents)
        for values in elsewhere(likeness.values(extents) or ()):
            other = likeness.with_values(extents, values)
            if match(*other) is not None:
                if not general.agrees(values, alone.at(other), run(other)):
                    raise ValueError("it does not agree elsewhere")
                agreed = True
        return alone.general[0] if agreed else None


LINES = Bounded()


def line_of(key: Any) -> Line:
    """The line of a key."""
    return LINES.entry(key, Line)  # type: ignore[no-any-return]


def line_in(lines: dict[Any, Line], name: Any) -> Line:
    """The line of a name among those of a kin."""
    found = lines.get(name)
    return lines.setdefault(name, Line()) if found is None else found
