"""Borrows: windows on a place or a part of it, shared for reading or write-through.

A write makes stale every overlapping borrow that is neither the writer nor one it was taken from. A borrow that is
entered by ``with`` lends the place until the block ends; shared ones may be entered again, exclusive ones once.
"""

from __future__ import annotations

import weakref
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NoReturn, Self, overload

from tenure.errors import WriteError
from tenure.runtime.bracket import Bracketed
from tenure.values.operations import indexing, keys
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.picks import Inner
from tenure.values.operations.reading import value_of, written_of
from tenure.values.operations.regions import Region
from tenure.values.places.loans import Ended, Loan, lending, tidied
from tenure.values.places.writable import NUMBERS, Writable, exact, replaced
from tenure.values.rules.graph import keeper
from tenure.values.rules.modes import enable_grad
from tenure.values.rules.sites import at_users_line, here, site
from tenure.values.tensor import partly
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike, Basic, Index


def forget_dead(references: list[weakref.ref[Any]]) -> None:
    """Remove dead references from a list, one by one: other threads may add to it meanwhile."""
    for r in [r for r in references if r() is None]:
        with suppress(ValueError):
            references.remove(r)


class Borrow(Bracketed, Writable):
    """A write-through window on a place or a part of it.

    It reads the place as of its own last write, else as taken. Indexing gives a sub-borrow. Written through
    after somebody else wrote the place: TN597. Entered by ``with`` it is exclusive until the block ends (TN499,
    TN502 and TN503 for others). Borrowed from ``_place``; owns nothing but its snapshot.

    >>> v = tn.Var([1.0, 2.0])
    >>> v.borrow_mut()[0].zero_()
    tensor(0.)
    >>> v
    tensor([0., 2.])
    """

    __slots__ = ("_endings", "_parent", "_place", "_region", "_stale", "_val")

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        return object.__new__(cls)

    def __init__(self, place: Any, region: Region, parent: Borrow | None) -> None:
        self._place = place
        self._region = region
        self._parent = parent
        self._endings = None
        self._stale: Ended | None = parent._stale if parent is not None else None
        if parent is None:
            whole = place._val
            value = detach(whole if type(whole) is Tensor else place._read())
            self._val = value if region.is_whole else region.read(value)
        else:
            self._val = self._view_of_parent(parent)
        self._val._held = True
        place._borrows.append(weakref.ref(self))
        if len(place._borrows) > 64:
            forget_dead(place._borrows)

    @classmethod
    def of(cls, place: Any) -> Borrow:
        """Borrow of all of a place: as the constructor makes it, faster."""
        value = place._read()
        b = object.__new__(cls)
        b._place, b._region, b._parent = place, Region.whole(value._aval.shape), None
        b._endings = b._stale = None
        b._val = value = detach(value) if value._kind.tracked else value
        value._held = True
        borrows = place._borrows
        borrows.append(weakref.ref(b))
        if len(borrows) > 64:
            forget_dead(borrows)
        return b

    def _absent(self) -> Any:
        if self._stale is not None:
            raise self._stale.error()
        loans = self._place._loans
        self._renew(self._place._read() if loans is None else loans.current(self._place))
        return self._val

    def _forget(self) -> None:
        """Drop the cached value: parts of the place have been written."""
        with suppress(AttributeError):
            del self._val

    def chain(self) -> list[Borrow]:
        """The borrow itself, and those that it was taken from."""
        return [self, *(self._parent.chain() if self._parent is not None else [])]

    def _view_of_parent(self, parent: Borrow) -> Any:
        """Contents of this window in the snapshot of its parent."""
        value = parent._read()
        return value if self._region is parent._region else indexing.apply_basic(value, *self._region.last)

    def view_of(self, whole: Tensor) -> Tensor:
        """Contents of this window in a value of the place."""
        value = detach(whole)
        return value if self._region.is_whole else self._region.read(value)

    def _renew(self, whole: Any) -> None:
        """Refresh the snapshot after a write through this window, or through one taken from it."""
        self._val = value = self.view_of(whole)
        value._held = True

    @property
    def data(self) -> Borrow:
        """The borrow itself."""
        return self

    @data.setter
    def data(self, v: ArrayLike) -> None:
        if v is not self:
            self._write(exact(self._read(), detach(value_of(v))))

    def borrow(self) -> SharedBorrow:
        """A shared loan of this part, for a ``with`` block."""
        self._refuse_stale()
        return SharedBorrow(self._place, self._region, self)

    def borrow_mut(self) -> Borrow:
        """A borrow of this borrow; entered by ``with``, this one is not written through meanwhile."""
        self._refuse_stale()
        twin = Borrow(self._place, self._region, self)
        if self._place._loans is not None and tidied(self._place) is not None:
            self._place._loans.refuse_loan(twin.chain(), self._region, True)
        return twin

    def _opening(self) -> Any:
        """Steps that make the borrow exclusive: TN499, TN502, TN503 where another loan forbids it, TN597 if the borrow
        is stale. Afterwards it is a write-through borrow as before."""
        self._refuse_stale()
        loan = Loan(self, self._region, True, here())
        begin, end = lending(self._place, loan, self.chain())
        return (begin,), (), end

    @overload
    def __getitem__(self, key: Basic) -> Borrow: ...
    @overload
    def __getitem__(self, key: Index) -> Tensor: ...
    def __getitem__(self, key: Any) -> Tensor:
        if not keys.is_basic(key):
            return at_users_line(indexing.getitem(self._read(), key))
        return self._part(key)

    def _part(self, key: Any) -> Borrow:
        """Sub-borrow at a basic index."""
        return Borrow(self._place, self._region.sub(*keys.parse(key, self._aval.shape)), self)

    def __setitem__(self, key: Index, v: ArrayLike) -> None:
        if self._region.is_whole:
            self._refuse_stale()
            v = written_of(v, self._aval.dtype)
            self._place._write(v if type(v) in NUMBERS else detach(v), self, key)
        elif keys.is_basic(key):
            self._part(key)._write(written_of(v, self._aval.dtype))
        else:
            self._put(key, written_of(v, self._aval.dtype))

    def _put(self, key: Any, v: Any) -> None:
        """Write at an index array or mask of a part."""
        v = v if type(v) in NUMBERS else detach(v)
        while True:
            seen, part = self._seen()
            base = self._graph(seen)
            new = indexing.written(part, key, v) if base is None else partly.written(base, key, v)
            if self._write(new, seen, key, kept=base is not None):
                return

    def _seen(self) -> tuple[Any, Any]:
        self._refuse_stale()
        loans = self._place._loans
        whole = self._place._read() if loans is None else loans.current(self._place)
        return whole, self.view_of(whole)

    def _update(self, v: Any, seen: Any = None, part: Any = ..., *, kept: bool = False) -> Borrow | None:
        return self if self._write(written_of(v, self._aval.dtype), seen, part, kept=kept) else None

    def _graph(self, seen: Any) -> Any:
        if self._place._leaf is not None or not seen._kind.tracked:
            return None
        return seen if self._region.is_whole else enable_grad().apply(self._region.read, seen)

    def _refuse_stale(self) -> None:
        if self._stale is not None:
            raise self._stale.error()

    def _write(self, v: Any, seen: Any = None, part: Any = ..., *, kept: bool = False) -> bool:
        """Write v to this part, of which only ``part``, an index of it, differs from what it holds; with its graph, if
        that is ``kept``."""
        self._refuse_stale()
        new = v if kept else replaced(self._read(), v if type(v) in NUMBERS else detach(v))
        if 0 in new.shape:
            return True
        key: Any = ... if self._region.is_whole else self._region.key()
        if key is not ...:
            new = enable_grad().apply(self._region.shaped, new) if kept else self._region.shaped(new)
        key = key if part is ... else Inner(key, part)
        return self._place._write(new, self, key, seen=seen, kept=kept)  # type: ignore[no-any-return]

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self._stale is None:
            return _lend_again, (self._place, self._path())
        return self._read().__reduce_ex__(protocol)

    def __copy__(self) -> Any:
        return self._read()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self._read() if self._stale is not None else _lend_again(deepcopy(self._place, memo), self._path())

    def _path(self) -> list[Any]:
        """Chain of indices from the place to this part."""
        return [b._region.last for b in reversed(self.chain()) if b._parent is not None]


class SharedBorrow(Bracketed, Writable):
    """A shared loan of a place, or of a part: reading it gives the value as of when it was taken, or last entered.

    Entered by ``with``, it lends the place until the block ends: nobody writes it (TN506) or borrows it exclusively
    (TN502). Writing through it is TN594. Gradients flow through it as through the place.

    >>> v = tn.Var([1.0, 2.0])
    >>> with v.borrow() as t:
    ...     print(t + 1)
    tensor([2., 3.])
    """

    __slots__ = ("_endings", "_entered", "_parent", "_place", "_region", "_val", "_whom")

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        return object.__new__(cls)

    def __init__(self, place: Any, region: Region, parent: Borrow | None = None) -> None:
        self._place = place
        self._region = region
        self._parent = parent
        self._entered: list[Loan] = []
        self._whom = ""
        self._look()

    def _look(self) -> None:
        """Refresh the snapshot from the place."""
        loans = self._place._loans
        whole = self._place._read() if self._parent is None or loans is None else loans.current(self._place)
        self._val = value = whole if self._parent is None else self._parent.view_of(whole)
        value._held = True

    def chain(self) -> list[Borrow | SharedBorrow]:
        """The borrow itself, and those that it was taken from."""
        return [self, *(self._parent.chain() if self._parent is not None else [])]

    def _opening(self) -> Any:
        """Steps that forbid writes: TN503 where the place is lent exclusively."""
        loan = Loan(self, self._region, False, here())
        begin, end = lending(self._place, loan, self.chain())
        return (begin, (self._lent, loan)), (), ((self._entered.remove, loan), *end)

    def _lent(self, loan: Loan) -> None:
        """Mark the loan as begun."""
        self._whom = loan.whom
        self._entered.append(loan)
        self._look()

    def _grad_fn_name(self) -> str | None:
        """The name of the operation that made the value; None for a leaf."""
        return None if self.is_leaf else self._read()._grad_fn_name()

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made the value that was lent."""
        return (self._place._leaf is not None and self._parent is None) or not self._read()._kind.tracked

    def _refuse(self) -> NoReturn:
        what = f"{self._whom}, lent as shared," if self._whom else "what was lent as shared"
        raise WriteError(
            f"{what} is written",
            at=site(here()),
            notes=[self._entered[-1].note()] if self._entered else (),
            help="make a new value, as in `x = x + 1` or `x = x.at[i].set(v)`; to write the place, take it exclusively:"
            " borrow_mut(), tn.Mut",
        )

    def _seen(self) -> tuple[Any, Any]:
        return self._refuse()

    def _update(self, v: Any, seen: Any = None, part: Any = ..., *, kept: bool = False) -> Any:
        return self._refuse()

    def __setitem__(self, key: Any, v: Any) -> None:
        self._refuse()

    def requires_grad_(self, requires_grad: Any = True) -> NoReturn:
        """TN594: it would change the place."""
        self._refuse()

    @property
    def data(self) -> SharedBorrow:
        """The value that was lent, without its graph; not to be written either."""
        twin = SharedBorrow(self._place, self._region, self._parent)
        twin._entered, twin._whom, twin._val = self._entered, self._whom, detach(self._read())
        return twin

    @data.setter
    def data(self, v: Any) -> None:
        self._refuse()

    @property  # type: ignore[override]
    def grad(self) -> SharedBorrow | None:
        """The gradient of the place, to be read; None if it has none."""
        leaf = keeper(self._place)
        if leaf is None or leaf.grad is None or self._parent is not None:
            return None
        twin = leaf.grad.borrow()
        twin._entered, twin._whom = self._entered, self._whom and f"the gradient of {self._whom}"
        return twin  # type: ignore[no-any-return]

    @grad.setter
    def grad(self, g: Any) -> None:
        self._refuse()

    def borrow(self) -> SharedBorrow:
        """Another shared loan of the same."""
        return SharedBorrow(self._place, self._region, self._parent)

    def borrow_mut(self) -> NoReturn:
        """TN594: what is lent as shared is not lent exclusively."""
        self._refuse()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._read().__reduce_ex__(protocol)

    def __copy__(self) -> Any:
        return self._read()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self._read()


def _lend_again(place: Any, path: list[Any]) -> Any:
    """Borrow of a copied place, along the path of the original."""
    borrow = place.data
    for spec, starts in path:
        borrow = Borrow(place, borrow._region.sub(spec, starts), borrow)
    return borrow
