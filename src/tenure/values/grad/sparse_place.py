"""The place of a sparse gradient, and the borrow of it that ``.grad`` gives.

It is no ``Var``: what can be written of it is all of it, so no parts, loans or overlaps are kept. A borrow reads the
place as of its own last write, else as taken; it is not written through once somebody else has written (TN597).
"""

from __future__ import annotations

from typing import Any, Self

from tenure.errors import DTypeError, StaleBorrowError
from tenure.values.grad.sparse_rows import Entries, SparseRows
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.guard import guarded
from tenure.values.rules.sites import here, site
from tenure.values.trace import record


class RowsPlace:
    """Place of a leaf's sparse gradient; its value is None once it is given up. ``_shown`` is the object that a face
    shows it as, ``_lent`` whether there has been a borrow."""

    __slots__ = ("_lent", "_shown", "_val", "_wrote")
    _loans = _ties = None

    def __init__(self, value: SparseRows) -> None:
        self._val: SparseRows | None = value
        self._lent = False
        self._shown: Any = None
        self._wrote: CodeSite = None

    def _read(self) -> Any:
        return self._val

    def _write(self, new: SparseRows, seen: Any = None) -> bool:
        """Compare and set: write rows computed from those ``seen``. False, and nothing done, if they are others now."""
        return self._swap(new, None if seen is None else seen._entries)

    @guarded
    def _swap(self, new: SparseRows | None, known: Entries | None) -> bool:
        if known is not None and (self._val is None or self._val._entries is not known):
            return False
        self._val, self._wrote = new, here()
        return True

    def _refuse_write(self) -> None:
        """Nothing: a sparse gradient is not lent."""

    def _abandon(self) -> None:
        """Make stale the borrows of a place that is given up."""
        if self._lent:
            self._swap(None, None)

    @property
    def data(self) -> RowsBorrow:
        """A write-through borrow."""
        return RowsBorrow(self)

    def borrow(self) -> SparseRows:
        """The value, to be read."""
        return self._read().value  # type: ignore[no-any-return]


class RowsBorrow(SparseRows):
    """A sparse gradient as ``.grad`` shows it: it reads as of its own last write, and writes its place.

    TN597 for a write once somebody else has written the gradient, TN802 for rows of another shape.
    """

    __slots__ = ("_place", "_seen")
    _place: RowsPlace
    _seen: Entries

    def __init__(self, place: RowsPlace) -> None:
        self._place = place
        place._lent = True
        self._renew(place._read())

    def _renew(self, value: SparseRows) -> None:
        self._aval, self._seen = value._aval, value._entries
        self._entries = value.detach()._entries if value.requires_grad else value._entries

    @property
    def data(self) -> RowsBorrow:
        """The borrow itself."""
        return self

    def _update(self, new: Any) -> Self:
        if not isinstance(new, SparseRows):
            raise DTypeError(
                "a sparse gradient is given a tensor that is not",
                at=site(here()),
                help="assign it: p.grad = p.grad.to_dense() + …",
            )
        self._refuse_unlike(new)
        new = new.detach()
        if not self._place._swap(new, self._seen):
            raise StaleBorrowError(
                "a borrow is written through after its place was written by somebody else",
                at=site(here()),
                notes=[("the place was written here", site(self._place._wrote))],
                help="take the borrow again (.grad) after that write",
            )
        self._renew(new)
        return self


def place_of(g: Any) -> Any:
    """New place for a gradient, of rows or a tensor."""
    if isinstance(g, SparseRows):
        return RowsPlace(g if type(g) is SparseRows else g.value)
    return record._Var.of(g)


def supersede(leaf: Any, g: Any, before: Any) -> bool:
    """Compare and set: the place of a leaf's gradient gives way to one of the other kind, for a gradient computed from
    the value ``before``. False, and nothing done, if the gradient is another by now."""
    place, new = leaf.grad, place_of(g)
    known = before._entries if isinstance(before, SparseRows) else None
    return _supersede(leaf, place, new, before, known)


@guarded
def _supersede(leaf: Any, place: Any, new: Any, before: Any, known: Entries | None) -> bool:
    if leaf.grad is not place or not (place._swap(None, known) if known is not None else place._read() is before):
        return False
    if known is None:
        place._abandon()
    leaf.grad = new
    return True
