"""Loans of a place or a part of it until a block ends, with the accesses that each forbids.

    with v.borrow() as t:         shared: v is not written (TN506) and not borrowed exclusively (TN502)
    with v.borrow_mut() as m:     exclusive: v is not used (TN503) and not borrowed again (TN499)

A place keeps its loans in ``_loans``: None while nothing is lent, ``Loans`` while something is, ``Ended`` once it has
been moved away. While any of it is lent exclusively its ``_val`` is absent and lies in the ``Loans``: a reader
notices by the absence, and a read of a place that is not lent costs nothing more.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenure.errors import BorrowError, OwnershipError, StaleBorrowError, UseAfterMove
from tenure.runtime.bracket import at_once, bracket
from tenure.values.operations import keys
from tenure.values.operations.picks import Inner, Picker, Points
from tenure.values.operations.regions import Region, overlap
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.guard import RELEASE, TAKE, guarded
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor

LENDING: dict[int, int] = {}
"""Threads in the forward of a module, which lends its parameters as shared without a loan of each; for each, a birth
number: parameters made later are not lent."""
LENT: list[Callable[[Any, int, int], None]] = []
"""Checks that refuse a write of a place lent by a thread in ``LENDING``, since that number."""
UPDATING: dict[int, tuple[Any, CodeSite]] = {}
"""Threads in the update of an optimizer, which holds its parameters exclusively, with the line that asked for it."""
HELD: list[Callable[[Any, int, tuple[Any, CodeSite]], None]] = []
"""Checks that refuse a use of a place that a thread in ``UPDATING`` updates."""

WATCHERS: list[Callable[[Any, Any], None]] = []
"""Observers of writes: called with the place and its former value."""
STANDING_IN: dict[int, Loan] = {}
"""Loans of stand-ins during a call, by the identity of the stand-in: these cannot be moved away."""


def forked() -> None:
    """Reset after a fork: in the child no other thread is in a forward or an update."""
    for calls in (LENDING, UPDATING):
        for thread in calls.keys() - {threading.get_ident()}:
            del calls[thread]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forked)


class Lease:
    """Duration of loans: until ``over`` is set, which ends them at once. Their places drop them on the next look
    (``tidied``). None has begun before ``over`` is False."""

    __slots__ = ("over",)

    def __init__(self) -> None:
        self.over = True

    @property
    def begin(self) -> tuple[Any, ...]:
        """Step that begins the loans."""
        return setattr, self, "over", False

    @property
    def end(self) -> tuple[Any, ...]:
        """Step that ends the loans."""
        return setattr, self, "over", True


@dataclass(slots=True, eq=False)
class Loan:
    """Loan of a part, made at a line. It is used through ``by`` and borrows taken from that. ``whom`` says to whom it
    was lent where no ``with`` says so: "parameter `x` of f()". ``settle`` is called once it is over, maybe twice."""

    by: Any
    region: Region
    exclusive: bool
    where: CodeSite
    whom: str = ""
    lease: Lease = field(default_factory=Lease)
    settle: Callable[[], None] | None = None

    def note(self) -> tuple[str, Any]:
        """Note with the line of the loan."""
        to = f" to {self.whom}" if self.whom else ""
        return f"{'exclusively borrowed' if self.exclusive else 'lent as shared'}{to} here", site(self.where)


STALE = {
    "written": "the place was written here",
    "guessed": "the place was written here, by an index that was not computed yet, so any element may be meant",
    "taken": "the place was moved here",
    "parted": "the place was parted again here",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """End of a value, place or borrow, with its line: it was "moved", or its loan is "over"; or, by a key of ``STALE``,
    the reason that a borrow is not written through."""

    why: str
    where: CodeSite

    def error(self) -> OwnershipError:
        """TN382 for a moved object, TN597 for a stale borrow or one whose loan is over."""
        at = site(here())
        if self.why == "moved":
            again = at is not None and site(self.where) == at
            label = "it was moved here, the time before" if again else "it was moved here"
            return UseAfterMove(
                "a moved value is used",
                at=at,
                notes=[(label, site(self.where))],
                help="go on with what tn.move() returned, or move a copy: tn.move(x.clone())",
            )
        if self.why == "over":
            return StaleBorrowError(
                "an exclusive loan is used after the call that it was made for",
                at=at,
                notes=[("the loan was for this call", site(self.where))],
                help="use the place itself after the call, or return a value: x.value",
            )
        return StaleBorrowError(
            "a borrow is written through after its place was written by somebody else",
            at=at,
            notes=[(STALE[self.why], site(self.where))],
            help="take the borrow again (.data, .grad) after that write",
        )

    def refuse_write(self, place: Any, writer: Any, key: Any) -> None:
        """Refuse a write: the place has ended."""
        raise self.error()

    def refuse_loan(self, chain: Sequence[Any], region: Region, exclusive: bool) -> None:
        """Refuse a loan: the place has ended."""
        raise self.error()

    def current(self, place: Any) -> Any:
        """Refuse a read: the place has ended."""
        raise self.error()

    def store(self, place: Any, value: Any) -> None:
        """Refuse a store: the place has ended."""
        raise self.error()


class Loans:
    """Loans of one place, and its value while some of it is lent exclusively."""

    __slots__ = ("exclusive", "shared", "value")

    def __init__(self) -> None:
        self.exclusive: list[Loan] = []
        self.shared: list[Loan] = []
        self.value: Any = None

    def current(self, place: Any) -> Any:
        """Value of the place, for holders of the loan."""
        if not self.exclusive:
            return place._read()
        if self.value is None:
            return place._ties.joined(place)
        if type(self.value) is not Tensor:  # it was moved away under another name
            self.value = self.value.twin()
        return self.value

    def store(self, place: Any, value: Any) -> None:
        """Store another value in the place."""
        if self.exclusive:
            self.value = value
        else:
            place._val = value

    def refuse_write(self, place: Any, writer: Any, key: Any) -> None:
        """TN503 or TN506 where another loan covers the written part: directly, or through the borrow ``writer``."""
        known = writer is not None and key is ...
        region = writer._region if known else written_region(self.current(place)._aval.shape, writer, key)
        chain = () if writer is None else writer.chain()
        for loan in self.exclusive:
            free = loan.lease.over or _among(loan.by, chain)
            if not free and (writer is None or overlap(loan.region, region)):
                raise used(loan)
        for loan in self.shared:
            if not loan.lease.over and overlap(loan.region, region):
                raise guessing(written_while(loan), region)

    def refuse_loan(self, chain: Sequence[Any], region: Region, exclusive: bool) -> None:
        """TN499, TN502 or TN503 where a loan taken from ``chain`` would overlap another."""
        for loan in self.exclusive:
            if not loan.lease.over and overlap(loan.region, region) and not _among(loan.by, chain[1:]):
                raise second(loan) if exclusive else used(loan)
        for loan in self.shared if exclusive else ():
            if not loan.lease.over and overlap(loan.region, region):
                raise BorrowError(
                    "a place is borrowed exclusively while it is lent as shared",
                    code="TN502",
                    at=site(here()),
                    notes=[loan.note()],
                    help="leave the block that lends it first, or keep the value read from it instead of the loan",
                )


def _among(x: Any, chain: Sequence[Any]) -> bool:
    return any(x is c for c in chain)


def written_region(shape: tuple[int, ...], writer: Any, key: Any) -> Region | Points:
    """Part of a place that is written by an index of it, or through a borrow."""
    region: Region = Region.whole(shape) if writer is None else writer._region
    if type(key) is Inner:
        key = key.inner()
    elif not region.is_whole:
        key = ...
    if key is ...:
        return region
    if not keys.is_basic(key):
        return Picker(region).pick(key)
    return region.sub(*keys.parse(key, region.shape))


def used(loan: Loan, what: str = "a place is used while it is exclusively borrowed") -> BorrowError:
    """TN503: a use of a place that is lent exclusively."""
    return BorrowError(
        what,
        code="TN503",
        at=site(here()),
        notes=[loan.note()],
        help="use the borrow until its loan ends, or end it first",
    )


def second(loan: Loan, what: str = "a place is borrowed exclusively a second time") -> BorrowError:
    """TN499: a second exclusive borrow."""
    return BorrowError(
        what,
        code="TN499",
        at=site(here()),
        notes=[loan.note()],
        help="end the first loan before the second begins, or pass its borrow on",
    )


GUESSED = "the index that is written by was not computed yet, so any element may be meant"


def guessing(error: BorrowError, region: Any) -> BorrowError:
    """Error of a write, with a note if its overlap with the loan is not certain."""
    if type(region) is Points and region.guessed:
        error.notes = (*error.notes, (GUESSED, None))
    return error


AFTER = "write after the loan ends; to write through it, lend it exclusively: borrow_mut(), tn.Mut"


def written_while(
    loan: Loan, what: str = "a place is written while it is lent as shared", help: str = AFTER
) -> BorrowError:
    """TN506: a write of what is lent as shared."""
    return BorrowError(what, code="TN506", at=site(here()), notes=[loan.note()], help=help)


def lend(place: Any, loan: Loan, chain: Sequence[Any]) -> None:
    """Add a loan, which begins with its lease. ``chain`` is the borrow through which it will be used and its
    ancestors."""
    meet(place)
    bracket(TAKE, RELEASE, take_up, place, loan, chain)


def meet(place: Any) -> None:
    """Join the parts of a place, which may wait for other threads, and so not under the lock."""
    if place._ties is not None:
        place._ties.joined(place)


def take_up(place: Any, loan: Loan, chain: Sequence[Any]) -> None:
    """Add a loan of a place whose parts are joined; with ``GUARD`` held."""
    held = None if place._loans is None else _tidied(place)
    if held is not None:
        held.refuse_loan(chain, loan.region, loan.exclusive)
    if place._ties is not None:
        place._ties.lend(loan)
    held = held or Loans()
    if not loan.exclusive:
        held.shared.append(loan)
        place._loans = held
    elif held.exclusive:
        held.exclusive.append(loan)
    else:
        value = (setattr, held, "value", place._read())
        at_once((value, (held.exclusive.append, loan), (setattr, place, "_loans", held), (delattr, place, "_val")))


def lending(place: Any, loan: Loan, chain: Sequence[Any]) -> tuple[Any, Any]:
    """Step that lends a place, and those that end its loan."""
    if place._ties is not None:
        meet(place)
    lease = loan.lease
    begin = bracket, TAKE, RELEASE, bracket, ((take_up, place, loan, chain),), (), setattr, lease, "over", False
    return begin, ((setattr, lease, "over", True), (bracket, TAKE, RELEASE, _tidied, place))


def lending_all(loans: Sequence[tuple[Any, Loan, Sequence[Any]]], lease: Lease) -> tuple[Any, Any]:
    """Step that lends places until a lease ends, and those that end it."""
    for place, _, _ in loans:
        meet(place)
    begin = tuple([(take_up, *loan) for loan in loans])
    end = lease.end, *[(bracket, TAKE, RELEASE, _tidied, place) for place, _, _ in loans]
    return (bracket, TAKE, RELEASE, bracket, begin, (), *lease.begin), end


def tidied(place: Any) -> Any:
    """Loans of a place, without those that are over; None where there are none."""
    return bracket(TAKE, RELEASE, _tidied, place)


def _tidied(place: Any) -> Any:
    held = place._loans
    if type(held) is not Loans:
        return held
    over = [loan for lent in (held.exclusive, held.shared) for loan in lent if loan.lease.over]
    if not over:
        return held
    if not held.exclusive and len(over) == len(held.shared) and place._ties is None:
        place._loans = None
        return None
    for loan in over:
        if loan.settle is not None:
            loan.settle()
        if place._ties is not None:
            place._ties.give_back(loan)
    exclusive = [x for x in held.exclusive if x not in over]
    shared = [x for x in held.shared if x not in over]
    steps: list[Any] = [(setattr, held, "exclusive", exclusive), (setattr, held, "shared", shared)]
    if held.exclusive and not exclusive and held.value is not None:
        steps += [(setattr, place, "_val", held.value), (setattr, held, "value", None)]
    if not exclusive and not shared:
        steps.append((setattr, place, "_loans", None))
    at_once(tuple(steps))
    return place._loans


def refuse_updating(place: Any) -> None:
    """TN503 for what an optimizer updates in another thread."""
    for thread, update in UPDATING.copy().items():
        for refuse in HELD:
            refuse(place, thread, update)


@guarded
def absent(place: Any) -> Any:
    """Value of a place whose ``_val`` is absent: the error, or the value if it is back."""
    held = _tidied(place)
    if type(held) is Loans and held.exclusive:
        raise used(held.exclusive[0])
    if type(held) is Ended:
        raise held.error()
    return object.__getattribute__(place, "_val")
