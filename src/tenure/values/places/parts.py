"""Disjoint parts of a place, each written on its own: threads fill one place in parallel.

    a, b = v.split_at_mut(k)                    two parts, below and from k
    for c in v.chunks_mut(n): …                 parts of n rows
    even, odd = v.get_disjoint_mut(slice(0, None, 2), slice(1, None, 2))

A part is a write-through borrow, outside the graph as ``.data`` is; how it is tied to its place is in ``ties``.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from tenure.errors import BorrowError, OutOfRange, ShapeError
from tenure.runtime.bracket import Bracketed, at_once
from tenure.runtime.lots import carve, is_sole
from tenure.values.operations import keys
from tenure.values.operations.axes import check_axis
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.operations.regions import Region, Rows, overlap
from tenure.values.places.borrow import Borrow
from tenure.values.places.loans import Lease, Loan, Loans, lending_all, tidied
from tenure.values.places.ties import Array, Ties, Token, copied, current, keeping
from tenure.values.rules.guard import guarded
from tenure.values.rules.sites import here, site
from tenure.values.run import force
from tenure.values.trace import record
from tenure.values.trace.blame import public
from tenure.values.trace.given import int_of
from tenure.values.trace.record import RECORDER


class Parts(tuple[Borrow, ...], Bracketed):
    """Parts of one place. Entered by ``with`` they are exclusive: the place itself is not used until the block ends
    (TN503), and not lent before it begins (TN499, TN502)."""

    def _opening(self) -> Any:
        where, lease, loans = here(), Lease(), []
        for part in self:
            part._refuse_stale()
            place = part._place._ties.whole()
            if place is not None:
                token = part._place._ties.token
                loans.append((place, Loan(token, token._region, True, where, lease=lease), token.chain()))
        begin, end = lending_all(loans, lease)
        return (begin,), (), end


@public
def split_at_mut(x: Any, k: int, axis: int = 0) -> Parts:
    """Two parts that are written through: below index k of an axis, and from it on. TN801 if there is no such k.

    >>> v = tn.Var([1.0, 2.0, 3.0])
    >>> with v.split_at_mut(1) as (first, rest):
    ...     rest[:] = first[0]
    >>> v
    tensor([1., 1., 1.])
    """
    axis = check_axis(axis, x.ndim)
    k, size = int_of(k, "split_at_mut: k"), x.shape[axis]
    if not 0 <= k <= size:
        raise OutOfRange(f"split_at_mut: {k} is not within axis {axis} of size {size}", at=site(here()))
    return parted(x, [_slab(x, axis, 0, k), _slab(x, axis, k, size)])


@public
def chunks_mut(x: Any, size: int, axis: int = 0) -> Parts:
    """Parts of a size along an axis that are written through; the last may be smaller.

    >>> v = tn.Var([1.0, 2.0, 3.0])
    >>> with v.chunks_mut(2) as parts:
    ...     for k, part in enumerate(parts):
    ...         part[:] = k
    >>> v
    tensor([0., 0., 1.])
    """
    axis = check_axis(axis, x.ndim)
    size = int_of(size, "chunks_mut: the size")
    if size < 1:
        raise ShapeError(f"chunks_mut: parts of size {size}", at=site(here()))
    return parted(x, [_slab(x, axis, k, k + size) for k in range(0, x.shape[axis], size)])


def get_disjoint_mut(x: Any, *keys: Any) -> Parts:
    """A part for each index, that are written through: basic indices, and index sets or masks of the first axis.

    TN499 if two of them have an element in common.

    >>> v = tn.Var([1.0, 2.0, 3.0])
    >>> with v.get_disjoint_mut(0, 2) as (a, b):
    ...     a[...] = b
    >>> v
    tensor([3., 2., 3.])
    """
    regions = [_selected(x, key) for key in keys]
    for (j, a), (k, b) in combinations(enumerate(regions), 2):
        if overlap(a, b):
            one, other = f"part {j}, {spelled(keys[j])}", f"part {k}, {spelled(keys[k])}"
            raise BorrowError(
                f"two exclusive parts of a place overlap: {one}, and {other}",
                code="TN499",
                at=site(here()),
                help="parts that are written at the same time must not have an element in common",
            )
    return parted(x, regions)


def spelled(key: Any) -> str:
    """Index as it is written in brackets."""
    entries = key if type(key) is tuple else (key,)
    return f"[{', '.join([_spelled_entry(e) for e in entries])}]"


def _spelled_entry(e: Any) -> str:
    if type(e) is slice:
        ends = [str(n) if n is not None else "" for n in (e.start, e.stop)]
        return ":".join([*ends, *([] if e.step is None else [str(e.step)])])
    return "…" if e is Ellipsis else repr(e.tolist() if hasattr(e, "tolist") else e)


def _slab(x: Any, axis: int, start: int, stop: int) -> Region:
    outer = Region.whole(x.shape) if not isinstance(x, Borrow) else x._region
    return outer.sub(*keys.parse((*[slice(None)] * axis, slice(start, stop)), x.shape))


def _selected(x: Any, key: Any) -> Region | Rows:
    """Part that an index selects of a place, or of a borrow of it."""
    outer = Region.whole(x.shape) if not isinstance(x, Borrow) else x._region
    if keys.is_basic(key):
        return outer.sub(*keys.parse(key, x.shape))
    entries = [getattr(e, "tensor", e) for e in keys.entries_of(key)]
    rows: Any = array_of(entries[0]) if len(entries) == 1 and isinstance(entries[0], record._Tensor) else np.zeros(())
    if not x.shape or rows.ndim != 1 or not outer.is_whole:
        raise ShapeError("an index set of a part is one-dimensional, along the first axis of a place", at=site(here()))
    if rows.dtype.kind == "b":
        if rows.size != x.shape[0]:
            raise ShapeError(f"a mask of {rows.size} for an axis of size {x.shape[0]}", at=site(here()))
        rows = np.flatnonzero(rows)
    return Rows.of(rows.tolist(), x.shape, here)


def parted(x: Any, regions: Sequence[Any]) -> Parts:
    """Parts of a place, or of a borrow of it. Earlier parts that overlap them end (TN597)."""
    place, lender = (x._place, x) if isinstance(x, Borrow) else (x, None)
    if lender is not None:
        lender._refuse_stale()
    tokens = [Token(region, lender) for region in regions]
    if place._loans is not None and tidied(place) is not None:
        for token in tokens:
            place._loans.refuse_loan(token.chain(), token._region, True)
    if place._ties is not None:
        place._ties.refuse_write()
    if not RECORDER.open:
        RECORDER.flush()
    while True:
        array_of(current(place))
        found = taken_apart(place, tokens, regions, lender)
        if found is not None:
            return found


@guarded
def taken_apart(place: Any, tokens: Sequence[Token], regions: Sequence[Any], lender: Any) -> Parts | None:
    """Part a place whose parts are joined and computed; None where a part has been written meanwhile."""
    ties = place._ties or Ties()
    if ties.outdated or type(current(place)._data) is not np.ndarray:
        return None
    ties.retire(place, [p for p in ties.parts if meets(p, regions)], "parted")
    place._ties = ties
    if ties.parts:
        ties.part_from(current(place))  # ended parts may still be read: nothing is carved there again
    else:
        prepare(ties, place, lender)
    return Parts([part_of(place, token) for token in tokens])


def meets(part: Any, regions: Sequence[Any]) -> bool:
    """Whether a part and any of some regions have an element in common."""
    return any(overlap(part._ties.token._region, region) for region in regions)


def prepare(ties: Ties, place: Any, lender: Any) -> None:
    """Array in which the parts of a place will lie: its own without other holders, else a copy. A place that holds a
    computed value keeps it as the base, so that elements not written keep their gradient."""
    ties.base = None
    for b in lender.chain() if lender is not None else ():
        b._forget()
    held = [current(place)]
    if held[0]._kind.tracked and place._leaf is None:
        ties.shared, ties.base = None, held[0]
        return
    arrays = [held[0]._data]

    def put_back() -> None:
        at_once((keeping(place, held[0] if held else place._held_as(wrap(arrays[0]))),))

    try:
        if type(place._loans) is Loans and place._loans.exclusive:
            place._loans.value = None
        else:
            del place._val
        if not force._references(held):
            held.clear()
        mine = not held and is_sole(arrays, 0) and arrays[0].base is None and arrays[0].flags.carray
        shared = arrays if mine else [copied(arrays[0])]
        put_back()
    except BaseException:
        put_back()
        raise
    ties.shared = shared


def part_of(place: Any, token: Token) -> Borrow:
    """One part: a place of its own, tied to the whole, and a borrow of it."""
    whole: Ties = place._ties
    region = token._region
    ties = Ties()
    ties.owner, ties.token = weakref.ref(place), token
    source = array_of(whole.base) if whole.shared is None else whole.shared[0]
    block: Array = source[region.key()]
    if whole.shared is not None and block.flags.c_contiguous and np.may_share_memory(block, source):
        value = wrap(carve(whole.shared, region.seen(block)))
        ties.lot = value._data.base
    else:
        value = wrap(copied(region.seen(block)))
        ties.merged = weakref.ref(value)
    part = record._Var(value)
    part._ties = ties
    whole.parts.append(part)
    return Borrow(part, Region.whole(value.shape), None)


for _method in (split_at_mut, chunks_mut, get_disjoint_mut):
    setattr(Borrow, _method.__name__, _method)


def part_again(place: Any, region: Any) -> Any:
    """Part of a copied place, in place of the original's."""
    return parted(place, [region])[0]._place
