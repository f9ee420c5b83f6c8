"""Exclusive borrow of an optimizer's parameters during its update: other uses or updates of one are errors.

The borrow is noted once a step, not once a parameter: writes and module calls of other threads are looked up
among its parameters during the step.
"""

from __future__ import annotations

from threading import get_ident
from typing import Any

from tenure.errors import BorrowError, Site
from tenure.values.operations.regions import Region
from tenure.values.places.loans import HELD, UPDATING, Loan, second, used
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.guard import guarded
from tenure.values.rules.sites import here, site

Update = tuple[Any, CodeSite]
"""An optimizer, and the line that asked for its step."""


@guarded
def begin(thread: int, update: Update) -> None:
    """Begin an update beside others. TN499 where another update, of whatever
    thread, is of one of the same parameters."""
    for other in UPDATING.copy().values():
        mine = {id(p) for p in other[0].parameters()}
        if any(id(p) in mine for p in update[0].parameters()):
            raise second(loan_of(other), "two steps update one parameter at once")
    UPDATING[thread] = update


def refuse(place: Any, thread: int, update: Update) -> None:
    """TN503 for what a thread updates, in another."""
    if thread != get_ident() and any(p is place for p in update[0].parameters()):
        raise used(loan_of(update), "a parameter is used while an optimizer updates it")


def loan_of(update: Update) -> Loan:
    """The loan of an update: all its parameters."""
    optimizer, where = update
    return Loan(optimizer, Region.whole(()), True, where, f"this step of {type(optimizer).__name__}")


HELD.append(refuse)


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
