"""Lending an argument for a call: shared, exclusively, or moved in.

A place that is lent exclusively is used through a stand-in: a place of the same class with its value, gradient and
part in graphs, so that what the call does is done to the place, and what anybody else does finds it lent (TN503).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from tenure.errors import WriteError
from tenure.values.borrow import Borrow, SharedBorrow
from tenure.values.graph import Place
from tenure.values.guard import GUARD
from tenure.values.loans import STANDING_IN, Ended, Loan, give_back, lend
from tenure.values.move import moved
from tenure.values.parameter import Parameter
from tenure.values.regions import Region
from tenure.values.sites import here, site
from tenure.values.tensor import Tensor
from tenure.values.var import Var


class Lender:
    """What a call has borrowed, to be given back when it ends."""

    __slots__ = ("stack", "where")

    def __init__(self, where: Place) -> None:
        self.where = where
        self.stack = ExitStack()

    def close(self) -> None:
        """End all loans, the last first."""
        self.stack.close()

    def shared(self, x: Any, whom: str) -> Any:
        """x, to be read: a value is one already."""
        if isinstance(x, Var):
            borrow = SharedBorrow(x, Region.whole(x._aval.shape))
        elif isinstance(x, SharedBorrow | Borrow):
            if isinstance(x, Borrow) and x._stale is not None:
                return x._read()
            borrow = x.borrow()
        else:
            return x._read()
        borrow._lend(self.where, whom)
        self.stack.callback(borrow._end)
        return borrow

    def exclusive(self, x: Any, whom: str) -> Any:
        """x, to be written by this call alone: TN594 for what is not written, TN499 and TN502 for what is lent."""
        if isinstance(x, Var):
            place, end = stand_in(x, self.where, whom)
            self.stack.callback(end)
            return place
        if not isinstance(x, Borrow):
            x._read()
            lent = isinstance(x, SharedBorrow)
            raise WriteError(
                f"{'what was lent as shared' if lent else 'a value'} is passed as {whom}, which is written",
                at=site(here()),
                notes=[loan.note() for loan in x._entered[-1:]] if lent else (),
                help="pass a place: x = x.mut()" if not lent else "take it as tn.Mut to pass it on as one",
            )
        borrow = Borrow(x._place, x._region, x)
        borrow._lend(self.where, whom)
        self.stack.callback(_end_borrow, borrow, self.where)
        return borrow

    def moved(self, x: Any, whom: str) -> Any:
        """x, moved in."""
        return moved(x, self.where)


def _end_borrow(borrow: Borrow, where: Place) -> None:
    borrow._end()
    borrow._stale = borrow._stale or Ended("over", where)


def stand_in(place: Var, where: Place, whom: str) -> tuple[Var, Callable[[], None]]:
    """A place that stands in for one until the function given with it is called."""
    other: Any = object.__new__(type(place))
    loan = Loan(other, Region.whole(_shape(place)), True, where, whom)
    with GUARD:
        lend(place, loan, (other,))
        before = place._loans.value  # type: ignore[union-attr]
        other._leaf, other._borrows, other._loans, other._val = place._leaf, [], None, before
        other._home, other._ties, other._frozen = place._home, None, getattr(place, "_frozen", None)
        STANDING_IN[id(other)] = loan
    if isinstance(place, Parameter):
        other._born, other._holders = place._born, place._holders
    if hasattr(place, "__dict__"):
        other.__dict__ = place.__dict__

    def end() -> None:
        with GUARD:
            loans = other._loans
            after = other._read() if loans is None else loans.current(other)
            other._loans = Ended("over", where)
            if hasattr(other, "_val"):
                del other._val
            STANDING_IN.pop(id(other), None)
            place._leaf, place._frozen, other._leaf, other._frozen = other._leaf, other._frozen, None, None
            place._loans.value = after  # type: ignore[union-attr]
            if after is not before and place._ties is not None:
                place._ties.written(place, after, None, ...)
            give_back(place, loan)
        if after is not before and place._borrows:
            place._expire(after, None, ...)

    return other, end


def _shape(place: Var) -> tuple[int, ...]:
    loans = place._loans
    value = place._read() if loans is None else loans.current(place)
    return value._aval.shape  # type: ignore[no-any-return]


PASS: dict[str, Callable[[Lender, Tensor, str], Any]] = {
    "Ref": Lender.shared,
    "Mut": Lender.exclusive,
    "Own": Lender.moved,
}
"""How an argument is passed, in the order in which they are: so a place passed twice is always TN499 or TN502."""
