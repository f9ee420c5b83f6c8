"""An optimizer holds its parameters exclusively while it updates them: nobody else uses or updates one meanwhile.

It says so once a step, not once a parameter: what other threads write, and which modules they call, is looked for
among its parameters while it does.
"""

from __future__ import annotations

from threading import get_ident
from typing import Any

from tenure.errors import BorrowError, Site
from tenure.values.graph import Place
from tenure.values.loans import GUARD, UPDATING, Loan, second, used
from tenure.values.regions import Region
from tenure.values.sites import here, site


class Update:
    """The update of an optimizer, by the line that asked for the step; a context."""

    __slots__ = ("optimizer", "outer", "thread", "where")

    def __init__(self, optimizer: Any, where: Place) -> None:
        self.optimizer = optimizer
        self.where = where
        self.thread = get_ident()
        self.outer: Update | None = None

    def __enter__(self) -> None:
        """TN499 where another step is updating one of the parameters."""
        with GUARD:
            self.outer = UPDATING.get(self.thread)
            for other in UPDATING.values():
                other.refuse_step(self)
            UPDATING[self.thread] = self

    def __exit__(self, *error: object) -> None:
        with GUARD:
            if self.outer is None:
                del UPDATING[self.thread]
            else:
                UPDATING[self.thread] = self.outer

    def loan(self) -> Loan:
        """What it holds."""
        return Loan(self, Region.whole(()), True, self.where, f"this step of {type(self.optimizer).__name__}")

    def refuse_step(self, other: Update) -> None:
        """TN499 where the other would update one of the same parameters; within a thread too."""
        mine = {id(p) for p in self.optimizer.parameters()}
        if any(id(p) in mine for p in other.optimizer.parameters()):
            raise second(self.loan(), "two steps update one parameter at once")

    def refuse_write(self, place: Any) -> None:
        """TN503 for what it updates, in another thread."""
        if self.thread != get_ident() and any(p is place for p in self.optimizer.parameters()):
            raise used(self.loan(), "a parameter is used while an optimizer updates it")


class RepeatedParameter(BorrowError, ValueError):
    """A parameter is given to an optimizer twice: it would be borrowed exclusively twice at each step (TN499)."""


def repeated(now: str, before: str, first: Site | None) -> RepeatedParameter:
    """The error, with the line that gave the parameter first."""
    return RepeatedParameter(
        f"a parameter appears more than once among the parameters of an optimizer: {now} is {before}",
        code="TN499",
        at=site(here()),
        notes=[("it was given here first", first)],
        help="give each parameter once; tied parameters are listed once by module.parameters()",
    )
