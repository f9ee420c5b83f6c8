"""Arrays that may write a tensor's elements: each read of the tensor finds what they wrote.

    n = t.numpy();  n *= 255;  t.sum()            PyTorch's t has the new elements, and so has t here
    t = torch.from_numpy(a);  a[0] = 5;  t.sum()  stopped: t shows elements that another name has written

While such an array lives, its owner's value is apart (``Lent.held``), so that a read compares the array's memory with
the elements last seen. A graph keeps the elements that it saved, and a backward that needs them is refused
(``silent``). When nobody holds the memory any more, the owner has its value as before.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from threading import get_ident
from typing import Any

import numpy as np

from tenure.torch.cells.aliasing import is_safe
from tenure.torch.cells.geometry import Geometry, contiguous
from tenure.torch.cells.memory import image, window_of
from tenure.torch.cells.sharing import root_of
from tenure.torch.cells.silent import note_array, unwatch, watch
from tenure.torch.cells.windows import forget, geometry, present, rewritten, with_node
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.rules.graph import CodeSite

SMALL = 1 << 16
"""Bytes of which a copy takes a few µs: these are kept, and compared, for all of an owner."""
LARGE = 1 << 24
"""Bytes of which a read compares no more."""
LOOKS = 16
"""Comparisons of much memory, without a change, after which arrays become read-only where nothing else shows it."""

BY_ARRAY = "an array of its elements, which was written, was taken here"


class Guard:
    """Memory that arrays may write, of the elements of an owner from ``first`` on, and its bytes as last ``seen``.
    ``is_given``: it is an array that the owner was made of, of which ``plain`` is a view that never stops."""

    __slots__ = ("at", "first", "is_given", "looks", "memory", "plain", "seen", "where")

    def __init__(self, memory: Any, at: Geometry, first: int, where: CodeSite, is_given: bool = False) -> None:
        self.memory, self.at, self.first, self.where, self.is_given = memory, at, first, where, is_given
        self.plain = memory.view() if is_given else memory
        self.looks = 0
        self.refresh()

    def refresh(self) -> None:
        """Take the elements as seen."""
        self.seen = self.plain.tobytes() if self.plain.nbytes <= SMALL else bits(self.plain).copy()

    def is_changed(self) -> bool:
        """Whether an array was written since."""
        if type(self.seen) is bytes:
            return bool(self.plain.tobytes() != self.seen)
        self.looks += 1
        return not np.array_equal(bits(self.plain), self.seen)

    def is_held(self) -> bool:
        """Whether anybody else holds the memory."""
        array, plain = self.memory, self.plain
        mine = 5 if plain is array else 3 + (plain.base is array)
        if sys.getrefcount(array) > mine:
            return True
        root = root_of(array)
        return root is not array and (root.base is not None or sys.getrefcount(root) > 3 + (plain.base is root))

    def includes(self, at: Geometry) -> bool:
        """Whether its memory has all elements of a geometry."""
        (low, high), (first, last) = at.bounds(), self.at.bounds()
        return first <= low and high <= last

    def array(self, at: Geometry) -> Any:
        """Array of some elements."""
        if at.layout.is_contiguous and not self.is_given:
            start = at.offset - self.first
            return self.memory[start : start + at.size].reshape(at.shape)
        return window_of(self.plain, Geometry(at.offset - self.first, at.layout))


def bits(array: Any) -> Any:
    """Elements as whole numbers, which are equal where the bytes are."""
    return array.view(f"u{min(array.itemsize, 8)}")


def guarded(owner: Any, at: Geometry, where: CodeSite) -> Guard | None:
    """The guard of some elements of an owner: one that is there, or a new one; None if they are too many, or an array
    that lives shows a part of them alone."""
    lent = owner._lent
    for g in lent.guards:
        if g.includes(at):
            return g  # type: ignore[no-any-return]
    if any(loan.at.overlaps(at) for loan in lent.living()):
        return None
    value = present(owner) if lent.held is None else lent.held
    whole, size = geometry(owner), value._aval.dtype.itemsize
    (first, last), (_, end) = at.bounds(), whole.bounds()
    if (end + 1) * size <= SMALL:
        first, last = 0, end
    if (last + 1 - first) * size > LARGE:
        return None
    part = Geometry(first, contiguous((last + 1 - first,)))
    array = array_of(value)
    if whole.layout.is_contiguous and array.flags.c_contiguous:
        memory = array.reshape(-1)[first : last + 1].copy()
    else:
        memory = window_of(image(value, whole), part).copy()
    found = Guard(memory, part, first, where)
    put_under(owner, value, found)
    return found


def put_under(owner: Any, value: Any, guard: Guard) -> None:
    """Put an owner, whose value it is, under a guard: it and its views look at the memory from now on."""
    lent = owner._lent
    lent.guards = [*lent.guards, guard]
    if lent.held is None:
        lent.held = value
        with suppress(AttributeError):
            del owner._val
        for r in owner._borrows:
            if (v := r()) is not None and (kept := getattr(v, "_val", None)) is not None:
                forget(v)
                w = v._window
                lent.shown[id(v)] = r, (seen_of(lent, w.parent), w.node, v._leaf), kept
    watch(value, changes(lent.guards), guard.where)


def seen_of(lent: Any, x: Any) -> Any:
    """The value that a tensor without one was last seen to have."""
    entry = lent.shown.get(id(x))
    return lent.held if x._window is None else entry and entry[2]


def changes(guards: Any) -> Any:
    """Function that says whether any of the guards' memory was written."""
    return lambda _: any(g.is_changed() for g in guards)


def current(x: Any) -> Any:
    """Value of an owner under guards."""
    lent = x._lent
    if not lent.guards:
        return lent.held
    for g in lent.guards:
        if g.is_changed():
            accept(x, g)
        elif g.looks > LOOKS:
            lent.freeze(g)
    held = [g for g in lent.guards if g.is_held()]
    if not held:
        return settled(x)
    if len(held) < len(lent.guards):
        lent.guards = held
        watch(lent.held, changes(held), held[-1].where)
    return lent.held


def settled(x: Any) -> Any:
    """Value of an owner whose memory nobody else holds: it is a plain one from now on, and so are its views."""
    lent, value = x._lent, x._lent.held
    lent.guards, lent.arrays = [], [loan for loan in lent.living() if loan.guard is None]
    unwatch(value)
    views = [v for r in x._borrows if (v := r()) is not None and id(v) in lent.shown and not v._window.foreign]
    kept = [(v, present(v)) for v in views]
    lent.held, lent.shown = None, {}
    for t, its in [(x, value), *kept]:
        t._val = its
        its._held = True
    if lent.former is None and not lent.arrays and not lent.is_mapped:
        x._lent = None
    return value


def accept(x: Any, g: Guard) -> None:
    """Let an owner have what an array wrote; TN506 for one that was made of an array which others hold."""
    lent, old = x._lent, x._lent.held
    if g.is_given and is_safe() and g.is_held():
        lent.former = old, None
        raise rewritten(lent)
    note_array(old, g.where)
    whole = image(old, geometry(x))
    part = window_of(whole, g.at)
    written = np.zeros(geometry(x).bounds()[1] + 1, np.uint8)
    window_of(written, g.at)[...] = part != g.plain
    part[...] = g.plain
    g.refresh()
    lent.held = with_node(wrap(np.array(whole, order="C"), old._aval), x, old)
    watch(lent.held, changes(lent.guards), g.where)
    tell(x, g, written)


def tell(x: Any, g: Guard, written: Any) -> None:
    """Tell the views of an owner that an array of it was written: those that the array was taken from are windows that
    it writes through, others are stale."""
    mine = {id(t) for loan in x._lent.living() for r in loan.sources if (t := r()) is not None}
    for r in x._borrows:
        v = r()
        if v is not None and v._window.owner is x and window_of(written, v._window.geometry).any():
            forget(v)
            if id(v) not in mine:
                v._window.foreign = [*v._window.foreign, (g.at, g.where, get_ident(), BY_ARRAY)]


def fill(owner: Any, part: Geometry) -> None:
    """Write an owner's new elements of a part to the memory of its arrays."""
    lent = owner._lent
    whole: Any = None
    for g in lent.guards:
        if g.at.overlaps(part):
            whole = image(lent.held, geometry(owner)) if whole is None else whole
            g.array(g.at)[...] = window_of(whole, g.at)
            g.refresh()


def hold(x: Any, value: Any) -> None:
    """Let an owner under guards have a value that was written to it."""
    lent = x._lent
    unwatch(lent.held)
    lent.held, lent.former = value, None
    watch(value, changes(lent.guards), lent.guards[-1].where)
