"""Accumulation of gradients into leaves, atomic among threads, and the usual backward in one step.

A gradient is computed from the value of its place at the begin of the backward, and is written only while the place
holds that value (compare and set). Else the contribution to the leaf is recorded once more by itself and added to the
new value, until no other write comes between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tenure.values.grad import steps
from tenure.values.grad.sparse_place import RowsPlace, place_of, supersede
from tenure.values.grad.sparse_rows import SparseRows, joined, new_entries
from tenure.values.native.hits import add_rows_place, know
from tenure.values.rules.graph import Leaf, RowLeaf
from tenure.values.rules.guard import GIL, guarded
from tenure.values.trace import record
from tenure.values.trace.record import RECORDER
from tenure.values.trace.trace import Trace


def begin(leaf: Leaf, g: Any) -> bool:
    """Set the first gradient of a leaf. False, and nothing done, if it has one."""
    place = place_of(g)
    if not GIL:
        return _begin(leaf, place)
    if leaf.grad is None:  # no other thread begins between this look and the store
        leaf.grad = place
    return leaf.grad is place


@guarded
def _begin(leaf: Leaf, place: Any) -> bool:
    if leaf.grad is None:
        leaf.grad = place
    return leaf.grad is place


def replace(leaf: Leaf, g: Any, before: Any) -> bool:
    """Compare and set: replace a leaf's gradient by g, computed from ``before`` (its value, or None if there was none).
    False, and nothing done, if the gradient is another by now."""
    place = leaf.grad
    if before is None:
        return place is None and begin(leaf, g)
    if isinstance(g, SparseRows) is not (type(place) is RowsPlace):
        return place is not None and supersede(leaf, g, before)
    if getattr(place, "_is_replaced", False) and g._kind.tracked:
        return _begin_anew(leaf, place_of(g), place, before)
    return place is not None and place._write(g, seen=before)


@guarded
def _begin_anew(leaf: Leaf, new: Any, place: Any, before: Any) -> bool:
    if leaf.grad is place and place._read() is before:
        leaf.grad = new
    return leaf.grad is new


def add(leaf: Leaf, g: Any) -> None:
    """Add a cotangent to the gradient of a leaf."""
    while True:
        place = leaf.grad
        before = None if place is None else place._read()
        if replace(leaf, g if before is None else joined(before, g), before):
            return


def by_leaf(found: dict[Leaf, Any], hooked: Callable[[dict[int, Any], Any], Any]) -> dict[Leaf, Any]:
    """Gradients of leaves from those of leaves and of their rows: the sum for each, sparse if all of it came by rows.
    Hooks on rows run first."""
    out: dict[Leaf, Any] = {}
    for source, g in found.items():
        leaf = source
        if isinstance(source, RowLeaf):
            leaf, g = source.of, listed(source, hooked(source.hooks, g))
        out[leaf] = joined(out[leaf], g) if leaf in out else g
    return out


def listed(rows: RowLeaf, g: Any) -> SparseRows:
    """Gradient of a leaf from that of rows of it."""
    return SparseRows.of(rows.aval, new_entries((rows.index, g, rows.padded, False)))


def add_rows_of(rows: RowLeaf, g: Any) -> None:
    """Add the cotangent of rows to the gradient of their leaf."""
    leaf, new = rows.of, listed(rows, g)
    if leaf.grad is not None or not begin(leaf, new):
        add(leaf, new)


def held(gradient: Any) -> Any:
    """Value of a gradient's place that is about to be written (TN503 or TN506 if it is lent)."""
    if gradient is None:
        return None
    if gradient._loans is not None:
        gradient._refuse_write()
    return gradient._read()


def short_walk(root: Any, keep: bool) -> bool:
    """Usual backward in one step: one number of the trace in progress, leaves behind it, no hooks between.

    False, and nothing done, if it is not that.
    """
    t = RECORDER.trace
    if t.busy or t.handlers or t.spent or (root._aval.shape and root._aval.size != 1):
        return False
    t.busy = True
    try:
        here = root._trace is t and not t.done
        deps = t.deps(root._slot) if here else ()
        leaves = _plain_leaves(t, deps) if here else None
        found: dict[int, Any] = {}
        late: list[tuple[Leaf, Any]] = []
        if leaves is not None:
            before = [None if type(leaf) is RowLeaf else held(leaf.grad) for leaf in leaves]
            into = tuple([None if v is None else t.bind(v) for v in before])
            found = steps.short_gradient(t, root._slot, deps, into, keep)
            for slot, leaf, v in zip(deps, leaves, before, strict=True):
                if isinstance(leaf, RowLeaf):
                    if slot in found:
                        add_rows_of(leaf, found[slot])
                elif slot in found and not replace(leaf, found[slot], v):
                    late.append(arrived(t, root, leaf))
        record.taken(t)
    except Exception:
        record.rest(t)
        raise
    if leaves is None:
        return False
    if late:
        add_late(late)
    for slot, leaf in zip(deps, leaves, strict=True) if len(found) < len(deps) else ():
        if slot not in found and type(leaf) is Leaf and leaf.grad is None:
            begin(leaf, steps.fill(t.kind(slot).aval, 0))
    return True


def sources_of(t: Trace, deps: Sequence[int]) -> list[Any]:
    """Sources of a trace at some source slots."""
    inputs, marks = t.inputs, t.marks
    return [marks.get(slot) if slot >= 0 else inputs[~slot]._src for slot in deps]


def _plain_leaves(t: Trace, deps: Sequence[int]) -> list[Leaf] | None:
    """Distinct leaves and rows of leaves at source slots of a held trace; None if there are other sources, one leaf
    twice, or one with rows of it."""
    leaves = sources_of(t, deps)
    for source in leaves:
        of = source.of if type(source) is RowLeaf else source
        if type(of) is not Leaf or of.hooks or source.hooks:
            return None
        by_rows = type(of.grad) is RowsPlace
        if by_rows is not (source is not of) and (by_rows or of.grad is not None):
            return None
    rows = {leaf.of for leaf in leaves if type(leaf) is RowLeaf}
    return leaves if len(set(leaves)) == len(leaves) and rows.isdisjoint(leaves) else None


def arrived(t: Trace, root: Any, leaf: Leaf) -> tuple[Leaf, Any]:
    """Leaf, and its cotangent from a result of a held trace, recorded once more."""
    deps = t.deps(root._slot)
    found = steps.gradient(t, ((root._slot, None),), deps, deps, (None,) * len(deps), False, False, False)
    return leaf, found[deps[sources_of(t, deps).index(leaf)]]


def add_late(late: Sequence[tuple[Leaf, Any]]) -> None:
    """Add to gradients that were written while they were recorded."""
    for leaf, g in late:
        add(leaf, g)


add_rows_place(RowsPlace, SparseRows)
know("add_rows_of", add_rows_of)
know("replace_gradient", replace)
know("arrived", arrived)
know("add_late", add_late)
