"""``tn.strict`` and ``tn.must_inplace``: a write that copies because the former value has a holder is an error.

A write gives its place another value, which the program computes into the buffer of the former one if that has
no other holder. The holders are known when the program is about to run, and are checked then.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from functools import partial
from typing import Any

from tenure.compile.explain import found_reuses
from tenure.compile.pipeline import planned
from tenure.errors import BorrowError, DTypeError, OwnershipError, Site, shown
from tenure.runtime.bracket import Bracketed
from tenure.runtime.lots import unshared
from tenure.values.places.holders import Holder, holders
from tenure.values.places.loans import WATCHERS
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.sites import here, site, site_of
from tenure.values.run.force import BEFORE_RUN
from tenure.values.trace import record
from tenure.values.trace.record import RECORDER

ACTIVE: ContextVar[tuple[Any, ...]] = ContextVar("tenure_strict", default=())
HELP = "drop it before the write (`del name`), or keep a copy: x.clone()"


class Written:
    """Write not yet computed: the former value of the place, if it is still there, and the line."""

    __slots__ = ("before", "where")

    def __init__(self, before: Any, where: CodeSite) -> None:
        self.before = weakref.ref(before)
        self.where = where


class strict(Bracketed, ContextDecorator):
    """Context in which no write copies because somebody holds what the place held before.

    Such a write is TN506 when it is computed, naming its line, who holds the former value, and the line that made it
    so: a name, a borrow, a graph that ``backward()`` has not consumed. What is pending is computed
    at the end of the block. The error comes after the program has run, by a copy: all it computes is there.

    >>> v = tn.zeros(3).mut()
    >>> with tn.strict():
    ...     v += 1
    >>> v
    tensor([1., 1., 1.])
    """

    def __init__(self) -> None:
        self.writes: list[Written] = []

    def _opening(self) -> Any:
        finish()
        outer, watch, look = ACTIVE.get(), self.watch, self.look
        begin = (ACTIVE.set, (*outer, self)), (WATCHERS.append, watch), (BEFORE_RUN.append, look)
        return begin, ((finish,),), ((ACTIVE.set, outer), (WATCHERS.remove, watch), (BEFORE_RUN.remove, look))

    def watch(self, place: Any, before: Any) -> None:
        """Note a write to a place."""
        if self in ACTIVE.get():
            self.writes.append(Written(before, here()))

    def look(self, t: Any, plan: Any) -> Exception | None:
        """Check the writes of a trace that is about to run."""
        if self not in ACTIVE.get():
            return None
        waiting, self.writes = self.writes, []
        errors: list[Exception | None] = []
        for write in waiting:
            slot = t.bound.get(id(write.before())) if write.before() is not None else None
            if slot is not None:
                errors.append(self.judge(t, plan, ~slot, write))
            elif write.before() is not None:
                self.writes.append(write)
        return next((error for error in errors if error is not None), None)

    def judge(self, t: Any, plan: Any, k: int, write: Written) -> Exception | None:
        """TN506 if the buffer of input k would serve the write, but has another holder."""
        for candidates in donors(plan.executable):
            if k in candidates and not any(is_free(t, plan, c) for c in candidates):
                return copies(write.where, held_by(t, plan, k))
        return None


class must_inplace(strict):
    """Context in which the writes of one place are done in place, or are errors: ``with tn.must_inplace(v): …``.

    As ``tn.strict``, for one place; and where it is not a holder but the program itself that keeps a write from being
    done in place, an error that says why.

    >>> v = tn.zeros(3).mut()
    >>> with tn.must_inplace(v):
    ...     v += 1
    >>> v
    tensor([1., 1., 1.])
    """

    def __init__(self, place: Any) -> None:
        super().__init__()
        self.place = getattr(place, "_place", place)
        if not isinstance(self.place, record._Var):
            raise DTypeError(f"must_inplace is about a place, not {shown(place)}", help="make one: x.mut()")

    def watch(self, place: Any, before: Any) -> None:
        """Note a write to the place."""
        if place is self.place:
            super().watch(place, before)

    def judge(self, t: Any, plan: Any, k: int, write: Written) -> Exception | None:
        """Error also where the program itself copies."""
        error = super().judge(t, plan, k, write)
        if error is not None:
            return error
        for r in found_reuses(planned(program_of(plan.executable)), {}):
            if r.of == k and r.why is not None and not r.given:
                return OwnershipError(
                    f"this write is not done in place: {r.why}",
                    at=site(write.where),
                    help="compute what else needs the former value in another order, or write a part of the place",
                )
        return None


def finish() -> None:
    """Compute what is pending in this thread, unless a transform holds it open."""
    if not RECORDER.open:
        RECORDER.flush()


def copies(where: CodeSite, found: Sequence[Holder]) -> BorrowError:
    """Error for a write that copies."""
    return BorrowError(
        "strict: this write copies its place, as somebody still holds what it held before",
        code="TN506",
        at=site(where),
        notes=found,
        help=HELP,
    )


def program_of(executable: Any) -> Any:
    """Program of an executable, however it is run."""
    return getattr(executable, "inner", executable).program


_donors: dict[int, tuple[Any, list[list[int]]]] = {}


def donors(executable: Any) -> list[list[int]]:
    """Inputs in whose buffer each value may lie; cached for each program."""
    program = program_of(executable)
    known = _donors.get(id(program))
    if known is not None:
        return known[1]
    slots: dict[int, list[int]] = {}
    for slot, x in planned(program).donors:
        slots.setdefault(slot, []).append(x)
    found = list(slots.values())
    _donors[id(program)] = weakref.ref(program, partial(_donors.pop, id(program))), found
    return found


def is_free(t: Any, plan: Any, k: int) -> bool:
    """Whether only the trace has the buffer of an input."""
    return not keeps(t, plan, k) and counts(t.inputs, k) == ALONE and unshared(t.inputs[k]._data.base)


def keeps(t: Any, plan: Any, k: int) -> bool:
    """Whether the graph that this run leaves behind keeps an input."""
    return bool(plan.open) and (k in plan.kept if t.cutting else True)


def held_by(t: Any, plan: Any, k: int) -> list[tuple[str, Site | None]]:
    """Holders of the buffer of an input."""
    if keeps(t, plan, k):
        result = t.handles[plan.open[0]]
        return [("the graph of this result keeps it, which backward() has not consumed", site(site_of(t, result)))]
    return holders(t.inputs[k], t.inputs)


def counts(inputs: list[Any], k: int) -> tuple[int, int]:
    """Reference counts of a value and its array."""
    return sys.getrefcount(inputs[k]), sys.getrefcount(inputs[k]._data)


class _Probe:
    def __init__(self) -> None:
        self._data = object()


ALONE = counts([_Probe()], 0)
"""Reference counts of a value that only a list holds."""
