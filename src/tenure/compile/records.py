"""Records on symbols: the words of a rule as source, to be filled in for the extents of a call.

    the rule of exp f32[s0, 64]        has the numbers  s0*64, 1, …  and a result of  room(s0*256)
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

from tenure.compile.generic_library import provide
from tenure.compile.rules import RULES, Rule, room, word_of
from tenure.ir.applications import Application
from tenure.ir.aval import Aval
from tenure.ir.extents import Extent, Extents, Ratio, source
from tenure.ir.kin import Values

WORD = 8
"""Bytes."""


class Writer:
    """Sources of the words of records, one behind the other. ``addresses`` are pairs of the places of addresses within
    them, and of what these refer to."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.addresses: list[tuple[int, int]] = []
        self.constants: list[Any] = []
        self.size = 0

    def write(self, at: Application, rule: Rule) -> int:
        """Write the words of a rule's record, and the numbers behind it; where the record begins."""
        start = self.size
        number = "0" if rule.number is None else source(rule.number)
        if isinstance(rule.number, Extent | Ratio):
            self.constants.append(Aval((), at.aval.dtype))
            number = f"word({number}, c[{len(self.constants) - 1}])"
        head = rule.head(len(at.operands))
        words = [*map(source, head[:4]), number, f"*room({source(at.aval.nbytes)})", *map(source, head[7:])]
        first = start + len(words) + 1  # as the room is two words
        behind = first + sum([3 + len(call.spots) for call in rule.calls])
        numbers: list[str] = []
        for call, spots in zip(rule.calls, rule.spots(), strict=True):
            self.addresses.append((first + 1, behind + len(numbers)))
            words += [str(call.function.address), "0", str(len(spots)), *map(source, spots)]
            numbers += [f"int({source(call.work)}) + 1", *map(source, call.numbers)]
            first += 3 + len(spots)
        self.words += [*words, *numbers]
        self.size = behind + len(numbers)
        return start

    def function(self, symbols: Extents) -> Callable[..., tuple[int, ...]]:
        """The function of values of the symbols that gives the words."""
        return symbols.function(f"({''.join([f'{word}, ' for word in self.words])})", {**NAMES, "c": self.constants})

    def placed(self, words: Sequence[int]) -> array[int]:
        """The words in memory, with the addresses of what lies there."""
        found = array("q", words)
        begin = found.buffer_info()[0]
        for place, to in self.addresses:
            found[place] = begin + WORD * to
        return found


NAMES = {"room": room, "word": word_of, "int": int, "float": float}


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
    """The record of a rule on symbols."""

    __slots__ = ("words", "writer")

    def __init__(self, made: tuple[Application, Rule], symbols: Extents) -> None:
        at, rule = made
        provide([call.function for call in rule.calls])
        self.writer = Writer()
        self.writer.write(at, rule)
        self.words = self.writer.function(symbols)

    def at(self, values: Values) -> tuple[None, Filled]:
        """The rule for values of the symbols."""
        return None, Filled(self.writer.placed(self.words(*values)))

    def agrees(self, some: tuple[None, Filled], other: tuple[Application, Rule]) -> bool:
        """Whether the words of a rule are those of another one."""
        return same(some[1].record, *other)


def same(words: Sequence[int], at: Application, rule: Rule) -> bool:
    """Whether words begin with the record of a rule, but for addresses of numbers and for the time that it takes."""
    provide([call.function for call in rule.calls])
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
