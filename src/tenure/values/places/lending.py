"""Lending an argument for a call: shared, exclusively, or moved in.

A place that is lent exclusively is used through a stand-in: a place of the same class with its value, gradient and
part in graphs, so that the call's writes go to the place, and any other use finds it lent (TN503).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tenure.errors import WriteError
from tenure.runtime.bracket import at_once, bracket
from tenure.values.operations.regions import Region
from tenure.values.places.borrow import Borrow, SharedBorrow
from tenure.values.places.loans import STANDING_IN, Ended, Lease, Loan, lend, meet, take_up, tidied
from tenure.values.places.move import moved
from tenure.values.places.parameter import Parameter
from tenure.values.places.var import Var
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.guard import RELEASE, TAKE
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor


class Walk(Lease):
    """Lease of a generator: over once the generator has ended, or nobody has it."""

    __slots__ = ("called", "walk")

    def __init__(self) -> None:
        self.called = False
        self.walk: Any = None

    @property
    def over(self) -> bool:  # type: ignore[override]
        """Whether both the call that makes the generator and the generator are over."""
        walk = None if self.walk is None else self.walk()
        return not self.called and (walk is None or walk.gi_frame is None)

    @property
    def begin(self) -> tuple[Any, ...]:
        """Step that begins the call."""
        return setattr, self, "called", True

    @property
    def end(self) -> tuple[Any, ...]:
        """Step that ends the call."""
        return setattr, self, "called", False


class Lender:
    """Loans of one call: they end with ``lease``, and ``close`` settles what they have left."""

    __slots__ = ("ends", "lease", "where")

    def __init__(self, where: CodeSite, lease: Lease) -> None:
        self.where = where
        self.lease = lease
        self.ends: list[tuple[Any, ...]] = []

    def close(self) -> None:
        """Settle ended loans, the last first."""
        at_once(tuple(reversed(self.ends)))
        self.ends.clear()

    def shared(self, x: Any, whom: str) -> Any:
        """Shared loan of x; a value is its own."""
        if isinstance(x, Var):
            borrow = SharedBorrow(x, Region.whole(x._aval.shape))
        elif isinstance(x, SharedBorrow | Borrow):
            if isinstance(x, Borrow) and x._stale is not None:
                return x._read()
            borrow = x.borrow()
        else:
            return x._read()
        loan = Loan(borrow, borrow._region, False, self.where, whom, self.lease)
        self.ends += (tidied, borrow._place), (_forget, borrow, loan)
        lend(borrow._place, loan, borrow.chain())
        borrow._lent(loan)
        return borrow

    def exclusive(self, x: Any, whom: str) -> Any:
        """Exclusive loan of x for this call: TN594 for what is not writable, TN499 and TN502 for what is lent."""
        if isinstance(x, Var):
            return self.stand_in(x, whom)
        if not isinstance(x, Borrow):
            x._read()
            lent = isinstance(x, SharedBorrow)
            raise WriteError(
                f"{'what was lent as shared' if lent else 'a value'} is passed as {whom}, which is written",
                at=site(here()),
                notes=[loan.note() for loan in x._entered[-1:]] if lent else (),
                help="pass a place: x = x.mut()" if not lent else "take it as tn.Mut to pass it on as one",
            )
        x._refuse_stale()
        borrow = Borrow(x._place, x._region, x)
        loan = Loan(borrow, borrow._region, True, self.where, whom, self.lease)
        self.ends += (tidied, borrow._place), (_end_borrow, borrow, self.where)
        lend(borrow._place, loan, borrow.chain())
        return borrow

    def moved(self, x: Any, whom: str) -> Any:
        """x, moved in."""
        return moved(x, self.where)

    def stand_in(self, place: Var, whom: str) -> Var:
        """Stand-in of a place until the lease ends."""
        other: Any = object.__new__(type(place))
        loan = Loan(other, Region.whole(_shape(place)), True, self.where, whom, self.lease)
        meet(place)
        self.ends.append((tidied, place))
        bracket(TAKE, RELEASE, _stand_in, place, other, loan)
        return other  # type: ignore[no-any-return]


def _forget(borrow: SharedBorrow, loan: Loan) -> None:
    if loan in borrow._entered:
        borrow._entered.remove(loan)


def _end_borrow(borrow: Borrow, where: CodeSite) -> None:
    borrow._stale = borrow._stale or Ended("over", where)


def _stand_in(place: Var, other: Any, loan: Loan) -> None:
    """Stand-in of a place under a loan, which writes the stand-in's value back in the end."""
    loans = place._loans
    before = place._read() if loans is None else loans.current(place)
    other._leaf, other._borrows, other._loans, other._val = place._leaf, [], None, before
    other._home, other._ties, other._frozen = place._home, None, getattr(place, "_frozen", None)
    if isinstance(place, Parameter):
        other._born, other._holders = place._born, place._holders
    if hasattr(place, "__dict__"):
        other.__dict__ = place.__dict__
    loan.settle = partial(_settle, place, other, loan, before)
    take_up(place, loan, (other,))
    STANDING_IN[id(other)] = loan


def _settle(place: Any, other: Any, loan: Loan, before: Any) -> None:
    """Write the value of a stand-in back to its place; the stand-in is dead from then on."""
    loans = other._loans
    if type(loans) is Ended:
        return
    after = other._read() if loans is None else loans.current(other)
    if after is not before and place._ties is not None:
        place._ties.outdate_whole()
    kept = [(setattr, place, name, getattr(other, name)) for name in ("_leaf", "_frozen")]
    given = (setattr, other, "_leaf", None), (setattr, other, "_frozen", None)
    ended = (setattr, other, "_loans", Ended("over", loan.where)), (STANDING_IN.pop, id(other), None)
    at_once((*kept, *given, *ended, (setattr, place._loans, "value", after)))
    if hasattr(other, "_val"):
        del other._val
    if after is not before and place._ties is not None:
        place._ties.written(place, after, None, ...)
    if after is not before and place._borrows:
        place._expire(after, None, ...)


def _shape(place: Var) -> tuple[int, ...]:
    loans = place._loans
    value = place._read() if loans is None else loans.current(place)
    return value._aval.shape  # type: ignore[no-any-return]


PASS: dict[str, Callable[[Lender, Tensor, str], Any]] = {
    "Ref": Lender.shared,
    "Mut": Lender.exclusive,
    "Own": Lender.moved,
}
"""Passing modes by annotation, in order of application: so a place passed twice is always TN499 or TN502."""
