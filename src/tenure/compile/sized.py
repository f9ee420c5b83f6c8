"""Sized programs: a program whose extents are symbols, and its table filled in for the extents of a call.

    multiply f32[s0, 64] f32[s0, 64]        is a record whose numbers are functions of s0

Making a table for extents that are new is one evaluation of all its numbers, and the plan of its memory. An operation
whose record loses a symbol gets one of its own for each extent. What is filled in is compared with what the extents of
an example give by themselves, before it is used (``General.agrees``).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

from tenure.compile.rules import Rule, publish, room, rule_of, word_of
from tenure.compile.stepwise import Stepwise
from tenure.compile.table import Table
from tenure.compile.tiers import AT_ONCE, Tiered, estimate
from tenure.ir.applications import Application, applied
from tenure.ir.aval import Aval
from tenure.ir.extents import Extent, Extents, Lost, Ratio, source, symbolic
from tenure.ir.program import Program

Values = tuple[int, ...]
"""Values of the symbols."""
WORD = 8
"""Bytes."""


class General:
    """A program of symbols, and the sources of all that depends on them; ``holds`` says for which values it is right.

    ``once`` are its applications, each once, ``order`` the number of each instruction's. ``records`` has where in
    ``words`` the record of each begins, None where it is made for each extent, ``addresses`` pairs of the places of
    addresses within the words, and of what they refer to.
    """

    def __init__(self, program: Program, extents: Extents) -> None:
        self.program, self.extents = program, extents
        self.constants: list[Any] = []
        number: dict[int, int] = {}
        self.order = [number.setdefault(id(at), len(number)) for at in program.applications]
        self.once = list({id(at): at for at in program.applications}.values())
        self.cost = estimate(program)
        self.rules = [self.rule(at) for at in self.once]
        publish({}, [call.function for rule in self.rules if rule for call in rule.calls])
        self.records: list[int | None] = []
        self.addresses: list[tuple[int, int]] = []
        words = [word for at, rule in zip(self.once, self.rules, strict=True) for word in self.written(at, rule)]
        shapes = [source(aval.shape) for aval in (*program.inputs, *[at.aval for at in self.once])]
        names = {"room": room, "word": word_of, "c": self.constants}
        self.words = extents.function(f"({', '.join(words)},)" if words else "()", names)
        self.shapes = extents.function(f"({''.join([f'{shape}, ' for shape in shapes])})", names)
        self.made = extents.function(f"[{', '.join([self.spelled(at) for at in self.once])}]", names)
        sizes = ", ".join([source(at.aval.size) for at in self.once])
        self.most = extents.function(f"max({sizes}, 0)", names)
        self.holds: Callable[..., bool] = extents.holds()

    def rule(self, at: Application) -> Rule | None:
        """The rule of an application of symbols; None if it is made for each extent."""
        try:
            return Rule(at)
        except Lost:
            return None

    def constant(self, value: Any) -> str:
        """The source of what is no number."""
        self.constants.append(value)
        return f"c[{len(self.constants) - 1}]"

    def written(self, at: Application, rule: Rule | None) -> list[str]:
        """The sources of a record's words, and of the numbers behind it."""
        start = self.length()
        self.records.append(None if rule is None else start)
        if rule is None:
            return []
        number = "0" if rule.number is None else source(rule.number)
        if isinstance(rule.number, Extent | Ratio):
            number = f"word({number}, {self.constant(Aval((), at.aval.dtype))})"
        head = rule.head(len(at.operands))
        words = [*map(source, head[:4]), number, f"*room({source(at.aval.nbytes)})", *map(source, head[7:])]
        behind = start + len(words) + 1 + sum([3 + len(call.spots) for call in rule.calls])
        numbers: list[str] = []
        for call, spots in zip(rule.calls, rule.spots(), strict=True):
            self.addresses.append((start + len(words) + 2, behind + len(numbers)))
            words += [str(call.function.address), "0", str(len(spots)), *map(source, spots)]
            numbers += [f"int({source(call.work)}) + 1", *map(source, call.numbers)]
        self.size = behind + len(numbers)
        return [*words, *numbers]

    size = 0

    def length(self) -> int:
        """Words so far."""
        return self.size

    def spelled(self, at: Application) -> str:
        """The source of an application."""
        params = [f"{name!r}: {source(x) if symbolic(x) else self.constant(x)}" for name, x in at.params.items()]
        avals = [f"{self.constant(aval)}._replace(shape={source(aval.shape)}), " for aval in at.operands]
        return f"({self.constant(at.primitive)}, {{{', '.join(params)}}}, ({''.join(avals)}))"

    def applications(self, values: Values) -> list[Application]:
        """The applications, each once, for values of the symbols."""
        return [applied(*parts) for parts in self.made(*values)]

    def agrees(self, values: Values, program: Program) -> bool:
        """Whether these values give a program, and the records that it has by itself."""
        like, n = self.program, len(self.program.inputs)
        if (program.operands, program.outputs, len(program.inputs)) != (like.operands, like.outputs, n):
            return False
        if len(program.applications) != len(like.applications):
            return False
        made = self.applications(values)
        if any(made[k] != at for k, at in zip(self.order, program.applications, strict=True)):
            return False
        if [aval.shape for aval in program.inputs] != list(self.shapes(*values)[:n]):
            return False
        words = self.words(*values)
        return all(start is None or self.same(words[start:], at) for start, at in zip(self.records, made, strict=True))

    def same(self, words: Sequence[int], at: Application) -> bool:
        """Whether a record is that of an application, but for addresses of numbers and for the time that it takes."""
        rule, place = rule_of(at), 0
        record = list(rule.record)
        head = len(record) - sum([3 + len(call.spots) for call in rule.calls])
        for call in rule.calls:
            record[head + 1] = 0
            head += 3 + len(call.spots)
        if list(words[: len(record)]) != record:
            return False
        for numbers in rule.numbers:
            place, there = place + len(numbers), words[len(record) + place :][: len(numbers)]
            if list(there[1:]) != list(numbers[1:]):
                return False
        return True


class Sized(Program):
    """A general program for values of the symbols. Its applications are made when they are asked for."""

    __slots__ = ("_applications", "general", "shapes", "values")

    def __init__(self, general: General, values: Values) -> None:
        like = general.program
        self.general, self.values, self.shapes = general, values, general.shapes(*values)
        pairs = zip(like.inputs, self.shapes, strict=False)
        self.inputs = tuple([aval._replace(shape=shape) for aval, shape in pairs])
        self.operands, self.origins, self.outputs = like.operands, like.origins, like.outputs
        self._instructions = None
        self._applications: list[Application] | None = None

    @property
    def applications(self) -> list[Application]:  # type: ignore[override]
        """The applications."""
        if self._applications is None:
            made = self.general.applications(self.values)
            self._applications = [made[k] for k in self.general.order]
        return self._applications

    def aval(self, value: int) -> Aval:
        """The aval of a value."""
        n = len(self.inputs)
        if value < n:
            return self.inputs[value]
        k = self.general.order[value - n]
        return Aval(self.shapes[n + k], self.general.once[k].aval.dtype)


class SizedTable(Table):
    """The table of a sized program."""

    def starts(self) -> array[int]:
        program: Any = self.program
        general: General = program.general
        self.records = records = array("q", general.words(*program.values))
        begin = records.buffer_info()[0]
        for place, to in general.addresses:
            records[place] = begin + WORD * to
        at = [0 if start is None else begin + WORD * start for start in general.records]
        missing = [k for k, start in enumerate(general.records) if start is None]
        if missing:
            made = general.made(*program.values)
            self.own = [rule_of(applied(*made[k])) for k in missing]
            for k, rule in zip(missing, self.own, strict=True):
                at[k] = rule.start
        return array("q", [at[k] for k in general.order])


def sized(general: General, values: Values) -> Tiered:
    """A general program for values of the symbols, ready to run."""
    program = Sized(general, values)
    work = general.most(*values) * len(general.order)
    return Tiered(program, Stepwise(program, SizedTable(program)), general.cost, min(work, AT_ONCE))
