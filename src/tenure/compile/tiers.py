"""Tiers: a program is interpreted first and compiled the second time, within a time budget.

A program seen for the first time runs op by op on kernels that all programs share. One that comes back is compiled
as a whole, out of a budget that grows with the time that passes; a program for which the budget has nothing left,
or that is a single operation, is compiled once running it op by op has taken as long as compiling would.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from tenure.compile.late import late
from tenure.interp.interp import Arrays, Executable
from tenure.ir.program import Program
from tenure.report.frames import frames, is_own

GRANT = 2.0
"""Seconds of compiling that a process may spend at once."""
SHARE = 0.25
"""The part of the time that may go into compiling after that."""
RATE = 1.5e-3
"""Seconds that compiling takes for each operation, roughly."""
AT_ONCE = 1 << 26
"""Elements that a program computes from which it is not run op by op even once."""


class Budget:
    """The time that may be spent on compiling."""

    def __init__(self) -> None:
        self.start = perf_counter()
        self.spent = 0.0

    def left(self) -> float:
        """Seconds."""
        return GRANT + SHARE * (perf_counter() - self.start) - self.spent


BUDGET = Budget()


class Tiered:
    """A program, run op by op until it is compiled; ``call`` then says how its code is called."""

    __slots__ = ("call", "compiled", "cost", "program", "seconds", "seen", "stepwise")

    def __init__(self, program: Program) -> None:
        self.program = program
        self.compiled: Executable | None = None
        self.call: Any = None
        self.stepwise: Executable | None = None
        self.seen = 0
        self.seconds = 0.0
        self.cost = RATE * len(program.instructions)

    def __call__(self, arrays: list[Any], numbers: Sequence[Any] = ()) -> list[Any]:
        code: Executable | None = getattr(arrays, "code", None)
        if code is None:
            if self.compiled is None and self.due():
                self.compile()
            code = self.compiled or self.step
            if type(arrays) is Arrays:
                arrays.code = code
        return code(arrays, numbers)

    def due(self) -> bool:
        """Whether it is time to compile."""
        if self.seconds > self.cost:
            return True
        if self.seen:
            return len(self.program.instructions) > 1 and self.cost < BUDGET.left()
        return self.cost < BUDGET.left() and self.work() > AT_ONCE

    def work(self) -> int:
        """Elements that a run computes; of what is written in place those that are written."""
        size = self.program.aval
        return sum(
            [
                at.aval.size if at.primitive.in_place is None else size(at.operands[1]).size
                for at in self.program.instructions
            ]
        )

    def step(self, arrays: list[Any], numbers: Sequence[Any] = ()) -> list[Any]:
        """Run it op by op."""
        if self.stepwise is None:
            self.stepwise = late("stepwise").stepwise(self.program)
        start = perf_counter()
        out: list[Any] = self.stepwise(arrays, numbers)
        self.seconds += perf_counter() - start
        self.seen += 1
        return out

    def compile(self) -> None:
        """Compile it; a program that cannot be goes on op by op, with a warning."""
        start = perf_counter()
        try:
            self.compiled = compile_program(self.program)
            self.call = getattr(self.compiled, "call", None)
        except Exception as error:
            if not all(map(is_own, frames(error))):  # a signal handler has raised it
                raise
            self.compiled = late("stepwise").stepwise(self.program)
            warnings.warn(f"a program runs op by op, as it cannot be compiled: {error}", RuntimeWarning, stacklevel=2)
        finally:
            BUDGET.spent += perf_counter() - start
            self.stepwise = None


def compile_program(program: Program) -> Executable:
    """The program as machine code."""
    made: Executable = late("executable").compiled(program)
    return made
