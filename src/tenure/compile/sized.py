"""Sized programs: a program whose extents are symbols, and its table filled in for the extents of a call.

    multiply f32[s0, 64] f32[s0, 64]        is a record whose numbers are functions of s0

Making a table for extents that are new is one evaluation of all its numbers, and the plan of its memory. An operation
whose record loses a symbol gets one of its own for each extent. What is filled in is compared with what the extents of
an example give by themselves, before it is used (``General.agrees``).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

from tenure.compile.generic_library import provide
from tenure.compile.records import WORD, Writer, same
from tenure.compile.rules import Rule, rule_of
from tenure.compile.stepwise import Stepwise
from tenure.compile.table import Table
from tenure.compile.tiers import AT_ONCE, Tiered, estimate
from tenure.ir.applications import Application
from tenure.ir.aval import Aval
from tenure.ir.extents import Extents, Lost, source
from tenure.ir.kin import Values
from tenure.ir.program import Program
from tenure.ir.spelled import Spelled


class General:
    """A program of symbols, and the sources of all that depends on them; ``holds`` says for which values it is right.

    ``once`` are its applications, each once, ``order`` the number of each instruction's. ``records`` has where the
    record of each begins, None where it is made for each extent.
    """

    def __init__(self, program: Program, symbols: Extents) -> None:
        self.program, self.symbols = program, symbols
        number: dict[int, int] = {}
        self.order = [number.setdefault(id(at), len(number)) for at in program.applications]
        self.once = list({id(at): at for at in program.applications}.values())
        self.cost = estimate(program)
        rules = [rule_on_symbols(at) for at in self.once]
        provide([call.function for rule in rules if rule for call in rule.calls])
        self.writer = Writer()
        write, pairs = self.writer.write, zip(self.once, rules, strict=True)
        self.records = [None if rule is None else write(at, rule) for at, rule in pairs]
        self.words = self.writer.function(symbols)
        self.spelled = Spelled(self.once, symbols)
        shapes = [source(aval.shape) for aval in (*program.inputs, *[at.aval for at in self.once])]
        self.shapes = symbols.function(f"({''.join([f'{shape}, ' for shape in shapes])})", {})
        sizes = ", ".join([source(at.aval.size) for at in self.once])
        self.most = symbols.function(f"max({sizes}, 0)", {})
        self.holds: Callable[..., bool] = symbols.holds()

    def agrees(self, values: Values, program: Program) -> bool:
        """Whether these values give a program, and the records that it has by itself."""
        like, n = self.program, len(self.program.inputs)
        if (program.operands, program.outputs, len(program.inputs)) != (like.operands, like.outputs, n):
            return False
        if len(program.applications) != len(like.applications):
            return False
        made = self.spelled.at(values)
        if any(made[k] != at for k, at in zip(self.order, program.applications, strict=True)):
            return False
        if [aval.shape for aval in program.inputs] != list(self.shapes(*values)[:n]):
            return False
        words = self.words(values)
        pairs = zip(self.records, made, strict=True)
        return all(start is None or same(words[start:], at, Rule(at)) for start, at in pairs)


def rule_on_symbols(at: Application) -> Rule | None:
    """The rule of an application of symbols; None if it is made for each extent."""
    try:
        return Rule(at)
    except Lost:
        return None


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
            made = self.general.spelled.at(self.values)
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
        self.records = general.words(program.values)
        begin = self.records.buffer_info()[0]
        at = [0 if start is None else begin + WORD * start for start in general.records]
        missing = [k for k, start in enumerate(general.records) if start is None]
        if missing:
            made = general.spelled.at(program.values)
            self.own = [rule_of(made[k]) for k in missing]
            for k, rule in zip(missing, self.own, strict=True):
                at[k] = rule.start
        return array("q", [at[k] for k in general.order])


def sized(general: General, values: Values) -> Tiered:
    """A general program for values of the symbols, ready to run."""
    program = Sized(general, values)
    work = general.most(*values) * len(general.order)
    return Tiered(program, Stepwise(program, SizedTable(program)), general.cost, min(work, AT_ONCE))
