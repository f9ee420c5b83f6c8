"""Ties between a place and its parts while it is parted.

    a, b = v.split_at_mut(3)        v: 0 1 2 3 4 5        a: 0 1 2        b: 3 4 5
    a += 1; b.zero_()               each part has its own value, and is written in place by its holder
    v.sum()                         puts the parts together: 1 2 3 0 0 0

An array that only the place has is carved: its parts lie in it where they can (``lots``), and putting them
together is then no copy either. ``Var._ties`` is None, or the ``Ties`` of a place: its parts, and what it is a part
of. Once a part has been written the whole's ``_val`` is absent: the next reader joins the parts.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from tenure.runtime.bracket import at_once
from tenure.runtime.buffers import empty
from tenure.runtime.lots import Lot, has_views, is_sole
from tenure.values.operations import indexing
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.operations.regions import overlap
from tenure.values.places.loans import Ended, Loan, Loans, absent, lend, tidied, written_region
from tenure.values.rules.guard import guarded
from tenure.values.rules.modes import enable_grad
from tenure.values.rules.sites import here
from tenure.values.trace.record import RECORDER

Array = np.ndarray[Any, Any]


class Token:
    """Part in the eyes of its place's loans: its region, and the borrow that it was taken from."""

    __slots__ = ("_parent", "_region")

    def __init__(self, region: Any, parent: Any) -> None:
        self._region = region
        self._parent = None if parent is None else weakref.ref(parent)

    def chain(self) -> list[Any]:
        """Chain of live borrows from this part up to the place."""
        parent = None if self._parent is None else self._parent()
        return [self, *(parent.chain() if parent is not None else [])]


class Ties:
    """The ties of one place: ``parts`` of it, and as a part itself its ``owner``, ``token``, and ``lot``.

    ``outdated`` says that parts have been written since the whole was last put together. ``shared`` is the list with
    the array in which the parts lie; where there is none, ``base`` is the value around the parts. ``merged`` refers
    to the value of a part that has been copied there. ``lent`` are the loans of this part, with those of the whole.
    """

    __slots__ = ("base", "lent", "lot", "merged", "outdated", "owner", "parts", "shared", "stamp", "token")

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.shared: list[Array] | None = None
        self.base: Any = None
        self.outdated = False
        self.stamp = 0
        self.owner: weakref.ref[Any] | None = None
        self.token: Any = None
        self.lot: Lot | None = None
        self.merged: weakref.ref[Any] | None = None
        self.lent: dict[Loan, Any] = {}

    def whole(self) -> Any:
        """Place that this one is a part of, or None."""
        return None if self.owner is None else self.owner()

    def refuse_write(self) -> None:
        """TN503 or TN506 where the whole is lent. Borrows that the write will make stale refresh their snapshot
        before."""
        place = self.whole()
        if place is not None:
            place._refuse_write(self.token)
            for b in [r() for r in place._borrows]:
                if b is not None and b._stale is None and not any(b is c for c in self.token.chain()):
                    b._read()

    def lend(self, loan: Loan) -> None:
        """Lend a part, and with it as much of the whole, unless it is lent as this part already."""
        place = self.whole()
        loans = None if place is None else place._loans
        known = loans.exclusive if type(loans) is Loans else ()
        if place is not None and not any(held.by is self.token and not held.lease.over for held in known):
            above = replace(loan, by=self.token, region=self.token._region, settle=None)
            lend(place, above, self.token.chain())
            self.lent[loan] = place

    def give_back(self, loan: Loan) -> None:
        """End the loan of a part."""
        if loan in self.lent:
            tidied(self.lent.pop(loan))

    def absent(self, place: Any) -> Any:
        """Value of a place that has none: joined from its parts, if no loan forbids it."""
        loans = tidied(place)
        if (type(loans) is Loans and loans.exclusive) or type(loans) is Ended:
            return absent(place)
        value = self._at_hand(place)
        return self.joined(place) if value is None else value

    @guarded
    def _at_hand(self, place: Any) -> Any:
        """Cached value of a place whose parts hold nothing newer; None if one does, as it is written while others
        read."""
        return None if self.outdated else absent(place)

    def joined(self, place: Any) -> Any:
        """Value of a place with the present values of its parts. Values are computed outside the lock: that may
        wait."""
        while True:
            whole, stamp, parts, base = self._parts(place)
            if whole is not None:
                return whole
            seen = [current(p) for p in parts]
            for value in [*seen, *([] if base is None else [base])]:
                RECORDER.compute(value)
            whole = self._join(place, stamp, parts, seen)
            if whole is not None:
                return whole

    @guarded
    def _parts(self, place: Any) -> tuple[Any, int, list[Any], Any]:
        """Value of a place if it is whole; else a stamp, its parts, and the base around them."""
        return None if self.outdated else current(place), self.stamp, list(self.parts), self.base

    @guarded
    def _join(self, place: Any, stamp: int, parts: list[Any], seen: list[Any]) -> Any:
        """Join parts, and store the result in the place; None where a part was written since the snapshot."""
        if self.stamp != stamp or any(current(p) is not v for p, v in zip(parts, seen, strict=True)):
            return None
        value = place._held_as(self.put_together(parts, seen))
        at_once((keeping(place, value), (setattr, self, "outdated", False)))
        self.settle(place, value)
        for b in [r() for r in place._borrows]:
            if b is not None and b._stale is None:
                b._read()
        return value

    def put_together(self, parts: list[Any], seen: list[Any]) -> Any:
        """Whole value from the snapshot of its parts; they are not written in place meanwhile."""
        pairs = list(zip(parts, seen, strict=True))
        moved = [(p, v) for p, v in pairs if not p._ties.is_merged(v)]
        tracked = self.shared is None and self.base._kind.tracked
        if tracked or any(type(v._data) is not np.ndarray for _, v in moved):
            whole = self.base if self.shared is None else wrap(self.shared[0].copy())
            return enable_grad().apply(_with_parts, whole, moved)
        overwritten = any(has_views(p._ties) for p, _ in moved)
        kept = self.shared is not None and (not moved or (is_sole(self.shared, 0) and not overwritten))
        source = self.shared[0] if self.shared is not None else array_of(self.base)
        array = source if kept else copied(source)
        for p, v in moved:
            region = p._ties.token._region
            array[region.key()] = region.shaped(v._data)
            p._ties.merged = weakref.ref(v)
        return wrap(array)

    def is_merged(self, value: Any) -> bool:
        """Whether the value of a part lies in the whole already."""
        if self.merged is not None and self.merged() is value:
            return True
        return self.lot is not None and getattr(value._data, "base", None) is self.lot

    def settle(self, place: Any, whole: Any) -> None:
        """Drop dead parts after a join."""
        if self.shared is None or whole._data is not self.shared[0]:
            self.part_from(whole)
        self.retire(place, [p for p in self.parts if not is_alive(p)], "written")

    def part_from(self, whole: Any) -> None:
        """Detach the parts from the array of the whole."""
        self.shared, self.base = None, whole
        for p in self.parts:
            p._ties.lot = None

    def written(self, place: Any, new: Any, writer: Any, key: Any) -> None:
        """Note a write to the place: overwritten parts end, and the place that it is a part of is outdated."""
        if self.parts:
            region = written_region(new._aval.shape, writer, key)
            self.stamp += 1
            self.outdated = False
            self.part_from(new)
            for p in self.parts:
                p._ties.merged = weakref.ref(current(p))
            self.retire(place, [p for p in self.parts if overlap(p._ties.token._region, region)], "written")

    def outdate_whole(self) -> None:
        """Outdate the place that this part belongs to, before a write: the next read joins its parts anew."""
        whole = self.whole()
        if whole is not None:
            whole._ties.outdate(whole, self.token)

    def outdate(self, place: Any, token: Any) -> None:
        """Note a write to a part: release the value of the whole, and make overlapping borrows stale."""
        loans = place._loans
        lent = type(loans) is Loans and loans.exclusive
        drop = (setattr, loans, "value", None) if lent else (delattr, place, "_val")
        with suppress(AttributeError):  # it may be gone
            at_once(((setattr, self, "outdated", True), drop))
        chain = {id(c) for c in token.chain()}
        for b in [r() for r in place._borrows]:
            if b is not None and id(b) in chain:
                b._forget()
            elif b is not None and b._stale is None and overlap(b._region, token._region):
                b._stale = Ended("written", here())
        above = self.whole()
        if above is not None:
            above._ties.outdate(above, self.token)

    def retire(self, place: Any, parts: Sequence[Any], why: str) -> None:
        """End parts: writing through them is TN597 from now on. Without parts a place is an ordinary one."""
        for p in parts:
            for b in [r() for r in p._borrows]:
                if b is not None and b._stale is None:
                    b._stale = Ended(why, here())
            p._ties.owner = None
        self.parts = [p for p in self.parts if not any(p is q for q in parts)]
        if not self.parts:
            self.shared = self.base = None
            if self.owner is None:
                place._ties = None


def is_alive(part: Any) -> bool:
    """Whether a part, or a part of it, has a holder."""
    return any(r() is not None for r in part._borrows) or any(is_alive(p) for p in part._ties.parts)


def current(place: Any) -> Any:
    """Present value of a place, for holders of its loan."""
    loans = place._loans
    return place._read() if loans is None else loans.current(place)


def _with_parts(whole: Any, moved: list[tuple[Any, Any]]) -> Any:
    for p, v in moved:
        region = p._ties.token._region
        whole = indexing.written(whole, region.key(), region.shaped(v))
    return whole


def keeping(place: Any, value: Any) -> tuple[Any, ...]:
    """Step that stores a value in a place without counting as a write."""
    value._held = True
    loans = place._loans
    lent = type(loans) is Loans and loans.exclusive
    return (setattr, loans, "value", value) if lent else (setattr, place, "_val", value)


def copied(array: Array) -> Array:
    """Copy of an array, from the pool."""
    out = empty(array.shape, array.dtype)
    np.copyto(out, array)
    return out
