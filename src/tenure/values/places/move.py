"""Moves: ``tn.move(x)`` returns the tensor under a new name, and x is dead afterwards.

A value is an object that the user's names share with places, graphs and traces, which take no notice of a move. So
the user's object becomes a ``Moved``, whose every use is TN382, and a new one takes its part: in the traces that have
not run, too. Where a place or a graph may hold the old object (``_held``), that keeps its contents, for them; else it
gives its buffer up, so that the new one is its only holder.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any, TypeVar

from tenure.errors import BorrowError, DTypeError, shown
from tenure.runtime.bracket import bracket
from tenure.values.operations.arithmetic import CLONE
from tenure.values.places.borrow import Borrow, SharedBorrow
from tenure.values.places.loans import STANDING_IN, Ended, Loans, tidied, used, written_while
from tenure.values.places.parameter import Parameter
from tenure.values.places.var import Var
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.guard import guarded
from tenure.values.rules.sites import at_users_line, here, site
from tenure.values.rules.unfinished import bound_elsewhere, note_moved
from tenure.values.run.force import adopt
from tenure.values.run.lost import giving_back, taking
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.handles import another, own, set_state
from tenure.values.trace.record import RECORDER, apply_one
from tenure.values.trace.trace import Trace

Movable = TypeVar("Movable")
INSIDE = frozenset((*Tensor.__slots__, "_read", "twin", "__class__"))


class Moved(Tensor):
    """A value that has been moved away. Inside the library its contents are still there for who held it before."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name) if name in INSIDE else _refuse(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in INSIDE:
            _refuse(self)
        object.__setattr__(self, name, value)

    def twin(self) -> Any:
        """Live copy for a place that still holds the moved value."""
        twin = self._gone[1]
        return _refuse(self) if twin is None else twin

    def _read(self) -> Any:
        return _refuse(self)


def _refuse(x: Any, *args: Any, **kwargs: Any) -> Any:
    ended: Ended = x._gone[0]
    raise ended.error()


for _name in ("__setitem__", "__getitem__", "__repr__", "__str__", "__format__", "__copy__", "__deepcopy__", "__pos__"):
    setattr(Moved, _name, _refuse)


def move(x: Movable) -> Movable:
    """The tensor x under another name, moved out of x: every later use of x is UseAfterMove (TN382).

    The result certainly owns its buffer.

    ``x`` is a value, a place, a borrow, or a list, tuple or dict of them, nested as you like; other things in it stay
    as they are. A place moves with its gradient and its part in graphs, and its borrows go stale (TN597). A value that
    a place holds too, or a graph that may still be differentiated, shares its buffer with that. TN382 for what has
    been moved before; TN503 or TN506 for a place that is lent, and for what was lent as shared itself.

    >>> x = tn.ones(2)
    >>> y = tn.move(x)
    >>> x + 1
    Traceback (most recent call last):
    tenure.errors.UseAfterMove: ...
    """
    if not isinstance(x, Tensor | list | tuple | dict):
        raise DTypeError(f"move takes a tensor, or a list, tuple or dict of them, not {shown(x)}")
    where = here()
    try:
        for leaf in _tensors(x):
            _check(leaf)
    except RecursionError:
        raise DTypeError("move: a list contains itself, or is deeper than Python goes") from None
    return _rebuilt(x, where, {})  # type: ignore[no-any-return]


def _tensors(x: Any) -> Iterator[Any]:
    if isinstance(x, Tensor):
        yield x
    elif isinstance(x, dict | list | tuple):
        for item in x.values() if isinstance(x, dict) else x:
            yield from _tensors(item)


def _rebuilt(x: Any, where: CodeSite, done: dict[int, Any]) -> Any:
    """Container with moved tensors; a tensor that occurs twice is moved once."""
    if isinstance(x, Tensor):
        if id(x) not in done:
            done[id(x)] = moved(x, where)
        return done[id(x)]
    if isinstance(x, dict):
        return {key: _rebuilt(item, where, done) for key, item in x.items()}
    if isinstance(x, list | tuple):
        items = [_rebuilt(item, where, done) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    return x


def moved(x: Any, where: CodeSite) -> Any:
    """Result of moving a tensor at a line."""
    _check(x)
    ended = Ended("moved", where)
    if isinstance(x, Var):
        return _move_place(x, ended)
    if isinstance(x, Borrow):
        return _move_borrow(x, ended)
    y = None if _is_held(x) else _take(x, ended)
    if y is None:
        y = _share(x, ended)
    note_moved(y)
    return y


def _is_held(x: Any) -> bool:
    """Whether another holder is possible: a place, a graph, or a trace that is running or of another thread."""
    t = bound_elsewhere(x)
    return getattr(x, "_held", False) or not (t is None or (t in (RECORDER.trace, RECORDER.sealed) and not t.busy))


def _check(x: Any) -> None:
    """Refuse the move of a container before any of its tensors is moved."""
    lent = x._entered[-1:] if isinstance(x, SharedBorrow) else [STANDING_IN[id(x)]] if id(x) in STANDING_IN else []
    if lent or isinstance(x, SharedBorrow):
        raise BorrowError(
            "what was lent is moved",
            code="TN506",
            at=site(here()),
            notes=[loan.note() for loan in lent],
            help="move a copy: tn.move(x.clone()); or take it as tn.Own",
        )
    loans = tidied(x) if isinstance(x, Var) and x._loans is not None else None
    if type(loans) is Loans:
        if loans.exclusive:
            raise used(loans.exclusive[0])
        raise written_while(loans.shared[0], "a place is moved while it is lent as shared")
    x._read()


@guarded
def _move_place(x: Var, ended: Ended) -> Var:
    """Move a place: a new one of the same class takes the value, the gradient and the part in graphs."""
    y: Any = object.__new__(type(x))
    _check(x)
    y._borrows, y._loans, y._ties, y._leaf, y._val = [], None, None, x._leaf, x._read()
    y._home, y._frozen = x._home, getattr(x, "_frozen", None)
    if x._ties is not None:
        x._ties.retire(x, list(x._ties.parts), "taken")
    y._home, x._loans, x._leaf, x._frozen = x._home, ended, None, None
    del x._val
    x._expire(y._val, None, ..., "taken")
    if isinstance(x, Parameter):
        y._born, y._holders = x._born, None
    if hasattr(x, "__dict__"):
        vars(y).update(vars(x))
    return y  # type: ignore[no-any-return]


def _move_borrow(x: Borrow, ended: Ended) -> Borrow:
    """Move a borrow: the new window takes over the loan and the sub-borrows."""
    y: Borrow = object.__new__(Borrow)
    y._place, y._region, y._parent, y._endings, y._stale = x._place, x._region, x._parent, None, x._stale
    y._val = x._read()
    x._place._borrows.append(weakref.ref(y))
    loans = x._place._loans
    for loan in loans.exclusive if type(loans) is Loans else ():
        loan.by = y if loan.by is x else loan.by
    for b in [r() for r in x._place._borrows]:
        if b is not None and b._parent is x:
            b._parent = y
    x._stale = ended
    del x._val
    return y


@guarded
def _bury(x: Any, ended: Ended, twin: Any) -> None:
    """Mark a value as moved, once."""
    if type(x) is Moved and x._gone[0] is not ended:
        _refuse(x)
    x._gone = (ended, twin)
    x.__class__ = Moved


def _share(x: Any, ended: Ended) -> Any:
    """Move a value with another possible holder: the holder keeps it, the result shares its buffer."""
    if RECORDER.open:
        y, twin = (at_users_line(apply_one(CLONE, x)) if x._trace is not None else another(x) for _ in range(2))
    else:  # computed, so that the two are sources of the same gradient and no step stands between them and it
        RECORDER.compute(x)
        if x._kind.tracked and x._src is None and x._trace is not None:
            adopt(x._trace, x)
        y, twin = own(x), own(x)
    twin._held = True
    _bury(x, ended, twin)
    return y


def _take(x: Any, ended: Ended) -> Any:
    """Move a value that only the user and traces hold: the result takes over its buffer and its role in traces. None if
    there is another holder, which began to hold it between the last check and its death, or runs its trace."""
    _bury(x, ended, None)
    traces = [t for t in {bound_elsewhere(x), x._trace} if t is not None]
    free: list[list[bool]] = [[] for _ in traces]
    take = [taking(t.lock, got, 0.0) for t, got in zip(traces, free, strict=True)]  # a holder waits for no other
    give = [giving_back(t.lock, got) for t, got in zip(traces, free, strict=True)]
    return bracket(tuple(take), tuple(give), _taken, x, traces, free)


def _taken(x: Any, traces: list[Trace], free: list[list[bool]]) -> Any:
    if _is_held(x) or not all(got[0] for got in free):
        return None
    y = another(x)
    for t in traces:  # which a finalizer may run at any time, here too
        _put_in_place(t, x, y)
    if x._data is not None:
        set_state(y, x)
    x._data = None
    return y


def _put_in_place(t: Trace, x: Any, y: Any) -> None:
    """Replace x by y in a trace: as a result, an input, or both."""
    handles, inputs = t.handles, t.inputs
    if t is x._trace and x._slot < len(handles) and handles[x._slot] is x:
        handles[x._slot] = y
    slot = t.bound.pop(id(x), None)
    if slot is not None and ~slot < len(inputs):
        inputs[~slot], t.bound[id(y)], y._bound = y, slot, (t.token, slot)
