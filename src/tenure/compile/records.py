"""Records on symbols: the words of a rule as source, to be filled in for the extents of a call.

    the rule of exp f32[s0, 64]        has the numbers  s0*64, 1, …  and a result of  room(s0*256)
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

from tenure.compile.generic_library import provide
from tenure.compile.rules import NUMBER, ROOM, RULES, Rule, word_of
from tenure.dtypes import float64
from tenure.ir.applications import Application
from tenure.ir.aval import Aval
from tenure.ir.extents import Extent, Extents, Ratio, source, symbolic
from tenure.ir.kin import Values
from tenure.ir.sums import listed_words
from tenure.runtime.table_plan import room

WORD = 8
"""Bytes."""


class Writer:
    """The words of records, one behind the other: numbers, and sources of those that symbols decide. ``addresses`` are
    pairs of the places of addresses within them, and of what these refer to; ``sums`` and ``rooms`` of the places of
    words that symbols decide, and of these or of the bytes of a room, None where that is neither; ``reals`` of those
    of float64 numbers, and of these."""

    def __init__(self) -> None:
        self.words: list[int | str] = []
        self.sums: list[tuple[int, Any]] = []
        self.rooms: list[tuple[int, int]] = []
        self.reals: list[tuple[int, int]] = []
        self.addresses: list[tuple[int, int]] = []
        self.constants: list[Any] = []

    def write(self, at: Application, rule: Rule) -> int:
        """Write the words of a rule's record, and the numbers behind it; where the record begins."""
        start = len(self.words)
        words = rule.head(len(at.operands))
        self.sums += [(start + k, word) for k, word in enumerate(words) if symbolic(word) and k != NUMBER]
        head: list[int | str] = [said(word) for word in words]
        if isinstance(rule.number, Extent | Ratio):
            if isinstance(rule.number, Extent) and at.aval.dtype is float64:
                self.reals.append((start + NUMBER, rule.number))
            else:
                self.sums.append((start + NUMBER, None))
            self.constants.append(Aval((), at.aval.dtype))
            head[NUMBER] = f"word({source(rule.number)}, c[{len(self.constants) - 1}])"
        size = said(at.aval.nbytes)
        if isinstance(size, str):
            self.rooms.append((start + ROOM, at.aval.nbytes))
        head[ROOM : ROOM + 2] = [f"room({size})[{k}]" for k in (0, 1)] if isinstance(size, str) else room(size)
        first = start + len(head)
        behind = first + sum([3 + len(call.spots) for call in rule.calls])
        numbers: list[int | str] = []
        for call, spots in zip(rule.calls, rule.spots(), strict=True):
            self.addresses.append((first + 1, behind + len(numbers)))
            listed = [(first + 3 + k, word) for k, word in enumerate(spots)]
            listed += [(behind + len(numbers) + k, word) for k, word in enumerate((call.work + 1, *call.numbers))]
            self.sums += [pair for pair in listed if symbolic(pair[1])]
            head += [call.function.address, 0, len(spots), *map(said, spots)]
            numbers += [said(call.work + 1), *map(said, call.numbers)]
            first += 3 + len(spots)
        self.words += [*head, *numbers]
        return start

    def plain(self, symbols: Extents) -> tuple[array[int], array[int], int, Any] | None:
        """The form of a record that native code fills in: one that is alike, and the address of words that have sums,
        rooms and addresses by their places; the class of a rule. None if it cannot."""
        found = listed_words((self.sums, self.rooms, self.reals), self.addresses, symbols)
        if found is None:
            return None
        return self.like(), found, found.buffer_info()[0], Filled

    def like(self) -> array[int]:
        """The words that symbols do not decide."""
        return array("q", [0 if isinstance(word, str) else word for word in self.words])

    def function(self, symbols: Extents) -> Callable[[Values], array[int]]:
        """The function of values of the symbols that gives the words, with the addresses of what lies there."""
        like = self.like()
        lines = [f"({''.join([f'{text}, ' for text in symbols.atoms if text.isalnum()])}) = values"]
        lines += ["w = like[:]", "begin = w.buffer_info()[0]"]
        lines += [f"w[{k}] = {word}" for k, word in enumerate(self.words) if isinstance(word, str)]
        lines += [f"w[{place}] = begin + {WORD * to}" for place, to in self.addresses]
        names = {"room": room, "word": word_of, "int": int, "float": float, "c": self.constants, "like": like}
        return symbols.function("w", names, ("values",), lines)


def said(word: int) -> int | str:
    """A word, or its source."""
    return source(word) if symbolic(word) else word


class Filled(Rule):
    """The rule of an application by a record that was filled in."""

    __slots__ = ()

    def __init__(self, record: array[int]) -> None:
        self.record, self.start = record, record.buffer_info()[0]

    def whole(self, at: Application) -> Rule:
        made = Rule(at)
        provide([call.function for call in made.calls])
        made.settle(at)
        return made

    def kept(self, at: Application) -> bool:
        RULES[at] = at.calls = self
        return True


class Record:
    """The record of a rule on symbols. Nothing is compiled for it alone: its functions are provided with those of the
    rules that run. Native code fills in what is ``plain``, for extents that ``matches`` says (``ir.sums``)."""

    __slots__ = ("functions", "made", "matches", "plain", "ready", "symbols", "words")

    def __init__(self, made: tuple[Application, Rule], symbols: Extents) -> None:
        self.matches: Any = None
        self.made, self.symbols = made, symbols
        self.functions = [call.function for call in made[1].calls]
        self.write()

    def write(self) -> None:
        """Write the function of the words, with the addresses that are known. It is ready last, as another thread may
        ask meanwhile."""
        ready = all(f.address for f in self.functions)
        writer = Writer()
        writer.write(*self.made)
        self.words = writer.function(self.symbols)
        self.plain = writer.plain(self.symbols) if ready else None
        self.ready = ready

    def at(self, values: Values) -> tuple[None, Filled] | None:
        """The rule for values of the symbols; None while its functions have no addresses."""
        if not self.ready:
            if not all(f.address for f in self.functions):
                return None
            self.write()
        return None, Filled(self.words(values))

    def agrees(self, values: Values, found: object, made: tuple[Application, Rule]) -> bool:
        """Whether the words of a rule are those for values of the symbols."""
        return self.functions == [call.function for call in made[1].calls] and same(self.words(values), *made)


def same(words: Sequence[int], at: Application, rule: Rule) -> bool:
    """Whether words begin with the record of a rule, but for addresses of numbers and for the time that it takes."""
    written = [call.words() for call in rule.calls]  # a rule in use keeps its own where they are
    record = rule.words(len(at.operands), at.aval.nbytes, written)
    place = len(record)
    head = len(record) - sum([3 + len(call.spots) for call in rule.calls])
    found = list(words[:place])
    for call, numbers in zip(rule.calls, written, strict=True):
        found[head + 1] = record[head + 1]
        head += 3 + len(call.spots)
        if list(words[place + 1 : place + len(numbers)]) != list(numbers[1:]):
            return False
        place += len(numbers)
    return found == record
