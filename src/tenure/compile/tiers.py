"""Tiers: a program is interpreted first and compiled when that is expected to pay, without the caller waiting long.

A program seen for the first time runs op by op on kernels that all programs share. One that comes back is compiled
as a whole, out of a budget that time refills; a program for which the budget has nothing left, or that is a single
operation, is compiled once running it op by op has taken as long as compiling would. What is expected to take long
is compiled beside, in a helper process, while the program goes on op by op with the same bits.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from tenure.compile.late import late
from tenure.compile.progress import watched
from tenure.interp.interp import Arrays, Executable
from tenure.ir.program import Program
from tenure.report.frames import frames, is_own

GRANT = 2.0
"""Seconds of compiling that a process may spend at once."""
SHARE = 0.25
"""The part of the time that may go into compiling after that."""
BASE, RATE, DISTINCT = 5e-3, 6e-4, 1.4e-3
"""Seconds that compiling takes, for each operation, and for each unlike all others besides, roughly."""
WAIT = 0.15
"""Seconds of compiling that a call waits for: twice as many, where the estimate is too low by a factor of 2."""
BESIDE = 0.125
"""Weight of a second of compiling beside, as nobody waits for it."""
AT_ONCE = 1 << 26
"""Elements that a program computes from which it is not run op by op even once."""
OFTEN = 8
"""Runs after which a program that did not come again soon counts as one that recurs."""
PATIENCE = 2
"""Times that a program of which others differ in extents runs op by op for the time that compiling it takes."""
OUTSIDE = 2e-5
"""Seconds that a run op by op takes besides its operations, as it is handed over in Python and code natively."""
LOOKED_AFTER = 16
"""Runs of a table in native code after which Python looks whether it is to be compiled, at most."""
ATTEMPTS = 2
"""Helpers that may end over a program before it stays op by op."""


class Budget:
    """The time that may be spent on compiling. It fills up to the grant again: what an hour without a compilation has
    left is no reason to compile for long what may never pay."""

    def __init__(self) -> None:
        self.saved, self.since = GRANT, perf_counter()

    def left(self) -> float:
        """Seconds."""
        now = perf_counter()
        self.saved, self.since = min(GRANT, self.saved + SHARE * (now - self.since)), now
        return self.saved

    def spend(self, seconds: float) -> None:
        """Note a compilation."""
        self.saved = self.left() - seconds


BUDGET = Budget()


class Pace:
    """The pace of compiling here, as a multiple of what is estimated: on a slow or a busy machine more is long."""

    least, most = 1.0, 8.0

    def __init__(self) -> None:
        self.factor = 1.0

    def note(self, taken: float, estimated: float) -> None:
        """Learn from a compilation: half of the weight is its."""
        now = self.factor * taken / max(estimated, BASE)
        self.factor = min(max((self.factor + now) / 2, self.least), self.most)


PACE = Pace()


def estimate(program: Program) -> float:
    """Seconds that compiling a program takes, within a factor of about 2: like operations share kernels."""
    applications = program.applications
    return PACE.factor * (BASE + RATE * len(applications) + DISTINCT * len(set(map(id, applications))))


def compilations() -> int:
    """Modules that this process has compiled so far."""
    return int(late("jit").engine().counts.compiled)


def work_of(program: Program) -> int:
    """Elements that a run computes; of what is written in place those that are written. A bound where that is small."""
    applications = program.applications
    most = max([at.size for at in applications], default=0) * len(applications)
    if most <= AT_ONCE:
        return most
    return sum([at.size if at.primitive.in_place is None else at.operands[1].size for at in applications])


def in_place() -> bool:
    """Whether all programs are compiled in place."""
    return os.environ.get("TENURE_COMPILE") == "wait"


class Tiered:
    """A program, run op by op until it is compiled; ``call`` then says how its code is called.

    Before that ``lent`` says how its table is run without a step in Python, for ``turns`` runs of the ``granted`` ones.

    ``cost`` are the seconds that compiling is expected to take, and one that has ``siblings``, of other extents, waits
    until running it has taken some times as long; ``sight`` knows whether its form varies, and it waits until running
    it has taken as long, as does one that is ``rare``, not come again soon; ``job`` is the compilation beside,
    ``name`` that of its code, ``why`` the reason why there can be none.
    """

    __slots__ = (
        "attempts", "call", "compiled", "cost", "granted", "job", "lent", "name", "program", "rare", "seconds", "seen",
        "siblings", "sight", "stepwise", "turns", "why", "work",
    )  # fmt: skip

    def __init__(self, program: Program, stepwise: Executable | None = None, cost: float = 0.0, work: int = 0) -> None:
        self.program = program
        self.compiled: Executable | None = None
        self.call: Any = None
        self.lent: Any = None
        self.granted = self.turns = 0
        self.stepwise = stepwise
        self.siblings = stepwise is not None
        self.sight: Any = None
        self.rare = False
        self.seen = 0
        self.seconds = 0.0
        self.cost = cost
        self.job: Any = None
        self.name = b""
        self.attempts = 0
        self.why = ""
        self.work = work if self.siblings else work_of(program)

    def __call__(self, arrays: list[Any], numbers: Sequence[Any] = ()) -> list[Any]:
        code: Executable | None = getattr(arrays, "code", None)
        if code is None:
            if self.due():
                self.get_ready()
            code = self.compiled or self.step
            if type(arrays) is Arrays:
                arrays.code = code
        return code(arrays, numbers)

    def due(self) -> bool:
        """Whether it is time to compile, or what was compiled beside has come."""
        job = self.job  # another thread may take what has come
        if job is not None:
            return bool(job.outcome() is not None)
        if self.compiled is not None or self.why or not (self.seen or self.work > AT_ONCE):
            return False
        if not self.cost:
            self.cost = estimate(self.program)
        cost = self.cost * BESIDE if self.cost > WAIT and not in_place() else self.cost
        if self.siblings:
            return self.seconds > cost * PATIENCE
        if self.is_irregular() or (self.seen and len(self.program.applications) == 1):
            return self.seconds > cost
        return self.seconds > cost or cost < BUDGET.left()

    def is_irregular(self) -> bool:
        """Whether it may be by chance that it has come again."""
        varies = self.sight is not None and self.sight.varies()
        return varies or (self.rare and self.seen < OFTEN and not in_place())

    def long(self) -> bool:
        """Whether it is compiled beside: what takes long, and what is due amid calls that have settled."""
        return (self.cost > WAIT or self.siblings or self.rare or self.is_irregular()) and not in_place()

    def get_ready(self) -> None:
        """Compile it here, or have it compiled beside if no cache has it, or take what has come from there."""
        job = self.job
        if job is not None:
            self.look(job)
            return
        if not self.long():
            self.compile()
            return
        self.name = self.name or late("executable").name_of(self.program)
        self.take(self.cached())
        if self.compiled is None:
            self.job = late("beside").submit(self.program, self.cached)
            if self.job is None:
                self.why = "no process can be started that compiles it beside"

    def look(self, job: Any) -> None:
        """Take the code that has been made beside, if there is an outcome."""
        said: str | None = job.outcome()
        if said is None:
            return
        lost, self.job = said == late("beside").LOST, None
        if not said:
            self.take(self.cached())
        self.attempts += 1
        if self.compiled is None and (self.attempts == ATTEMPTS or not lost):
            self.why = why = said or "no cache keeps its code"
            warnings.warn(
                f"a program runs op by op, as it cannot be compiled: {why}", RuntimeWarning, stacklevel=3
            )

    def cached(self) -> Executable | None:
        """The code from a cache, if one has it."""
        found: Executable | None = late("executable").cached(self.program, self.name)
        return found

    def take(self, compiled: Executable | None) -> None:
        """Run by compiled code from now on, if there is any."""
        if compiled is not None:
            self.compiled = compiled
            self.call = getattr(compiled, "call", None)
            self.drop_table()

    def state(self) -> str:
        """The way in which it runs, with the reason."""
        if self.compiled is not None:
            return "one native call"
        spent = f"compiling takes about {self.cost:.2g} s, running it so has cost {self.seconds:.2g} s"
        if self.job is not None:
            return f"run op by op while it is compiled in another process: {spent}"
        if self.why:
            return f"run op by op: {self.why}"
        if self.siblings:
            return f"run op by op, by the program that it shares with others of other extents: {spent}"
        return f"run op by op so far: {spent if self.cost else 'it is new'}"

    def step(self, arrays: list[Any], numbers: Sequence[Any] = ()) -> list[Any]:
        """Run it op by op."""
        run = self.stepwise  # another thread may drop it
        if run is None:
            run = self.stepwise = late("stepwise").stepwise(self.program)
        start = perf_counter()
        out: list[Any] = run(arrays, numbers)
        taken, lent = perf_counter() - start, self.granted - self.turns
        self.seconds += taken * (1 + lent) + OUTSIDE
        self.seen += 1 + lent
        self.lend(taken)
        return out

    def lend(self, taken: float) -> None:
        """Grant some runs of the table, of which each takes some seconds, without a look whether to compile it."""
        if self.cost and self.lent is None:
            self.lent = getattr(self.stepwise, "call", None) or ()
        left = max((self.cost - self.seconds) / max(taken, OUTSIDE), 0.0)
        self.granted = self.turns = min(int(left), LOOKED_AFTER) if self.lent else 0

    def drop_table(self) -> None:
        """Run op by op no more."""
        self.stepwise = self.lent = None
        self.turns = 0

    def compile(self) -> None:
        """Compile it; a program that cannot be goes on op by op, with a warning."""
        start, made = perf_counter(), compilations()
        try:
            self.take(compile_program(self.program))
        except Exception as error:
            if not all(map(is_own, frames(error))):  # a signal handler has raised it
                raise
            self.compiled = late("stepwise").stepwise(self.program)
            warnings.warn(f"a program runs op by op, as it cannot be compiled: {error}", RuntimeWarning, stacklevel=2)
        finally:
            taken = perf_counter() - start
            BUDGET.spend(taken)
            if compilations() > made:  # no cache had it
                PACE.note(taken, self.cost)
            self.drop_table()


def compile_program(program: Program) -> Executable:
    """The program as machine code."""
    made: Executable = watched(late("executable").compiled, program, lambda: said_of(program))
    return made


def said_of(program: Program) -> str:
    """The compilation of a program, for who waits for it."""
    return f"compiling a program of {len(program.applications)} operations, about {estimate(program):.2g} s"
