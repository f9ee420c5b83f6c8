"""Tables: a program as rows of calls of generic functions, with a place in memory for each value.

    y = exp x; z = add y y; w = setitem z v i          becomes
    exp x → arena 0;  add (arena 0) (arena 0) → output 0;  setitem (output 0) v i → output 0

Results lie in arrays of their own, all else in one arena, whose parts are taken anew after a value's last use. A result
that may be written over an operand is, where nobody reads that operand again; over an input, if only the call holds it.
Values that are an operand in another shape lie where that lies. Python finds the rules, the rest is native.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Sequence

from tenure.compile.late import late
from tenure.compile.row_calls import copy
from tenure.compile.rules import RULES, Rule, publish, rule_of
from tenure.ir.applications import Application, like
from tenure.ir.kin import line_in
from tenure.ir.likes import CALLS
from tenure.ir.program import Program
from tenure.runtime import table_plan
from tenure.runtime.table import ARRAYS, HEADER, MOST, NUMBERS, long, place

__all__ = ["Table"]

WORDS = 2
"""Packed words before the numbers of a call: the address of the table, and the row to go on with."""
ALIGN = 64
LENGTH = table_plan.FIELDS.index("length")


class Table:
    """The rows of a program: ``words``, of which the first row is at ``start``; ``places`` has the place of each value.

    ``made`` are the values whose arrays a call makes, beside an arena of ``top`` bytes, ``donors`` pairs of them and of
    the input that each may be, ``outputs`` the results, counted among inputs and made arrays.
    """

    def __init__(self, program: Program) -> None:
        self.program, self.inputs = program, len(program.inputs)
        self.arrays = sum([not aval.weak for aval in program.inputs])
        self.made: list[int] = []
        self.donors: list[tuple[int, int]] = []
        self.outputs: list[int] = []
        self.copies: list[tuple[int, int]] = []
        self.kept: list[array[int]] = []
        starts = self.starts()
        operands = array("q", program.operands)
        self.lay(array("q", [starts.buffer_info()[0], operands.buffer_info()[0]]), len(starts))

    def starts(self) -> array[int]:
        """The addresses of the operations' records."""
        self.rules = rules_of(self.program.applications)
        return array("q", [rule.start for rule in self.rules])

    def lay(self, lists: array[int], count: int) -> None:
        """Plan the memory of the operations in the planner's ``lists``, and write the rows."""
        n, code = self.inputs, lists.buffer_info()[0]
        columns = [numbers(n + count) for _ in range(5)]
        homes, last, self.places = columns[:3]
        totals, donors, free = numbers(3), numbers(2 * count), numbers(table_plan.CLASSES, -1)
        where = [x.buffer_info()[0] for x in (*columns, free)]
        table_plan.read(code, count, n, *where[:3], totals.buffer_info()[0])
        for v in self.program.outputs:
            last[homes[v]] = n + count
        found = table_plan.take_over(code, count, n, *where[:3], donors.buffer_info()[0])
        self.assign(homes, list(zip(donors[: 2 * found : 2], donors[1 : 2 * found : 2], strict=True)))
        self.start = HEADER + totals[1]
        self.words = numbers(self.start + totals[0])
        start = -(-8 * (ARRAYS + self.arrays + len(self.made) + MOST) // ALIGN) * ALIGN
        for v in range(n):
            self.places[v] = place(ARRAYS + v) if v < self.arrays else place(NUMBERS, 8 * (WORDS + v - self.arrays))
        given, words = array("q", where), self.words.buffer_info()[0]
        self.top = table_plan.lay(code, count, n, given.buffer_info()[0], words, self.start, start, start + totals[2])
        self.finish()

    def assign(self, homes: Sequence[int], donors: Sequence[tuple[int, int]]) -> None:
        """Give results, and what may lie in an input's array, arrays of their own."""
        program, own, seen = self.program, dict[int, int](), dict[int, int]()
        for v in program.outputs:
            home = homes[v]
            if v not in seen:
                if v < self.arrays:
                    seen[v] = v
                elif home >= self.inputs and home not in own and not self.places[home]:
                    seen[v] = own[home] = self.make(v)
                else:
                    seen[v] = self.make(v)
                    self.copies.append((v, seen[v]))
            self.outputs.append(seen[v])
        for v, given in donors:
            home = homes[v]
            if home not in own:
                own[home] = self.make(v)
            k = own[home] - self.arrays
            if program.aval(self.made[k]) == program.aval(given):
                self.donors.append((k, given))
        for home, k in own.items():
            self.places[home] = place(ARRAYS + k)

    def make(self, v: int) -> int:
        """The number of a new array for a value, counted behind the arrays that are given."""
        self.made.append(v)
        return self.arrays + len(self.made) - 1

    def finish(self) -> None:
        """Copy the results that lie in the buffer of another result or input."""
        for v, k in self.copies:
            aval = self.program.aval(v)
            if aval.size:
                call = copy([(aval.size, 1, 1)], aval.dtype.itemsize, 0)
                publish({}, [call.function])
                self.kept.append(call.words())
                head = call.function.address, self.kept[-1].buffer_info()[0], 2
                self.words.extend((*head, self.places[v], place(ARRAYS + k)))
        self.words[0], self.words[1] = len(self.words), self.arrays + len(self.made)

    def short(self) -> bool:
        """Whether all rows are run in one go: none is Python's turn, and they take too little time for a pause."""
        at, work, words = self.start, 0, self.words
        while at < len(words):
            if not words[at]:
                return False
            work += ctypes.c_int64.from_address(words[at + 1]).value
            at += 3 + words[at + 2]
        return work <= long.value

    def value_of(self, word: int) -> int:
        """The value that the row at a word is about."""
        at, rules = self.start, rules_of(self.program.applications)
        for v, rule in enumerate(rules, self.inputs):
            at += rule.record[LENGTH]
            if at > word:
                return v
        return self.inputs + len(rules)


def rules_of(applications: Sequence[Application]) -> list[Rule]:
    """The rules of applications; what is new is made, and kept."""
    new = list({id(at): at for at in applications if at.calls is None}.values())
    if new:
        make(make(new, patient=True), patient=False)
        for at in new:
            at.calls = at.calls or rule_of(at)
    return [at.calls for at in applications]


def make(new: Sequence[Application], patient: bool) -> list[Application]:
    """Make the rules of applications; when patient all but those, the result, whose record on symbols may only wait for
    its functions: these are compiled in one module first."""
    fresh: dict[Application, Rule] = {}
    waiting: list[Application] = []
    for at in new:
        if filled_record(at) is None:
            line = None if at.kin[0] is None else at.kin[0].lines.get(CALLS)
            if patient and fresh and line is not None and line.general:
                waiting.append(at)
            elif at not in fresh:
                fresh[at] = new_rule(at)
    if fresh:
        publish(fresh)
    return waiting


def filled_record(at: Application) -> Rule | None:
    """The rule of an application that has none yet, as a record that is filled in, or known already; it is kept. None
    where one must be made."""
    kin, extents = at.kin
    line = None if kin is None else kin.lines.get(CALLS)
    filled = None if line is None else line.at(extents)
    found: Rule | None = RULES.get(at) if filled is None else filled[1]
    if found is None:  # another thread may have kept one
        found = at.calls
    if found is None and at.size == 1 and at.primitive.traits.number is not None:  # a number calls nothing
        found = new_rule(at)
        publish({at: found})
    elif found is not None:
        at.calls = found
    return found


def new_rule(at: Application) -> Rule:
    """The rule of an application; it is noted as an example of a record for all extents."""
    kin, extents = at.kin
    if kin is None:
        return Rule(at)

    def run(extents: Sequence[int]) -> tuple[Application, Rule]:
        own = like(at, extents)
        return own, Rule(own)

    found: Rule = line_in(kin.lines, CALLS).found(extents, run, late("records").Record)[1]
    return found


def numbers(count: int, value: int = 0) -> array[int]:
    """So many words."""
    return array("q", [value]) * count
