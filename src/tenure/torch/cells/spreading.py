"""Writes told to the views of a cell: their elements have changed, and PyTorch makes their graphs anew.

PyTorch counts the writes of a cell, whatever part they write. A view that is used after one has a graph from the base
that it and the views it was taken of have in common: one of those that is a leaf itself gets nothing from it any more.
"""

from __future__ import annotations

from threading import get_ident
from typing import Any

from tenure.torch.cells.geometry import Geometry
from tenure.torch.cells.windows import (
    NO_GRAD,
    VIEW_OF_LEAF,
    drop_dead,
    forget,
    geometry,
    is_tracked,
    lineage,
    present,
    root_of,
)
from tenure.values.operations.arithmetic import clone, detach
from tenure.values.places.var import as_leaf
from tenure.values.rules.graph import CodeSite, Frozen, Leaf
from tenure.values.rules.modes import enable_grad
from tenure.values.rules.sites import here


def spread(x: Any, written: Geometry | None = None) -> None:
    """Tell the windows of x's cell that x, or a part of it, has been written."""
    owner = x if x._window is None else x._window.owner
    known = owner._borrows
    if not known:
        return
    at = geometry(x) if written is None else written
    mine = {id(t) for t in lineage(x)}
    root = root_of(x)
    in_graph = is_tracked(root)
    where: CodeSite = None
    quiet = counter(x) if x._window is not None and x._window.quiet else None
    for r in known:
        v = r()
        if v is None:
            continue
        w = v._window
        if (counter(v) if w.quiet else None) is quiet:
            note_write(v)
        if v is x:
            w.foreign = () if written is None else w.foreign
        elif w.owner is owner and w.geometry.overlaps(at):
            if id(v) not in mine:
                where = where or here()
                w.foreign = [*w.foreign, (at, where, get_ident())]
            forget(v)
        elif in_graph and w.recorded and joins(v, root):
            forget(v)
    drop_dead(known)


def joins(v: Any, root: Any) -> bool:
    """Whether a view without a gradient gets one, as the tensor with a graph of its own that it is a view of has,
    whatever part of that was written."""
    value = getattr(v, "_val", None)
    if value is None or value._kind.tracked:
        return False
    for t in lineage(v):
        if t is root or t._window is None or t._window.is_root:
            return t is root and t is not v
    return False


def counter(x: Any) -> dict[str, Any]:
    """Attributes that have the count of writes of a tensor's elements: the owner's, or those of the view that ``.data``
    gave, whose writes PyTorch counts apart."""
    while x._window is not None and not (x._window.quiet and x._window.step is None):
        x = x._window.parent
    return x.__dict__  # type: ignore[no-any-return]


def count(x: Any) -> None:
    """Count a write (``_version``)."""
    held = counter(x) if x._window is not None else x.__dict__
    held["_writes"] = held.get("_writes", 0) + 1


def touch(x: Any) -> None:
    """Note a write of x that changes no element."""
    counted = counter(x)
    for r in (x if x._window is None else x._window.owner)._borrows:
        if (v := r()) is not None and counter(v) is counted:
            note_write(v)


def note_write(v: Any) -> None:
    """Note that elements of a view's owner are written: PyTorch makes the graph of a view anew, from the base of them
    all, at its next use after a write. One whose base has no gradient by then gets none from there; one that was a leaf
    is none any more where its base is in a graph."""
    w = v._window
    w.written = True
    if w.step is None or not w.step.in_graph or w.flag == NO_GRAD:
        return
    if w.is_root is not w.recorded:
        if w.recorded and w.flag is None and is_seen_apart(v) and present(v)._kind.tracked:
            remake(v)
    elif is_tracked(v):
        join(v)
    elif w.flag == VIEW_OF_LEAF:
        cut(v)


def is_seen_apart(v: Any) -> bool:
    """Whether another graph of a view, of the same elements, can be told from the one that it has: the view has hooks,
    or was taken of a view."""
    return v._window.parent._window is not None or "_hooked" in v.__dict__


def remake(v: Any) -> None:
    """Let a view have a graph anew, from its base; one of a leaf, whose base has no graph, gets none."""
    t = v._window.parent
    while t._window is not None and t._window.step is not None and not t._window.is_root:
        t = t._window.parent
    if t._window is None or t._window.step is None or is_tracked(v):
        forget(v)
    else:
        cut(v)


def cut(v: Any) -> None:
    """Part a view that requires grad from its graph: what flows to it goes nowhere."""
    w = v._window
    node = enable_grad().apply(clone, as_leaf(detach(present(v)), Leaf()))
    w.is_root = False
    forget(v)
    w.is_root, w.node, w.flag = True, node, VIEW_OF_LEAF


def join(v: Any) -> None:
    """Let a view, and those taken of it, have the graph of its base."""
    w = v._window
    if w.is_root:
        for r in w.owner._borrows:
            if (t := r()) is not None and not t._window.is_root and any(u is v for u in lineage(t)):
                forget(t)
        w.is_root, w.flag = False, None if w.flag == VIEW_OF_LEAF else w.flag
    if v._leaf is not None:
        freeze(v)
    w.recorded = True
    forget(v)


def freeze(x: Any) -> None:
    """Make a leaf none any more: it keeps its gradient, to which what was computed of it adds nothing."""
    kept = Frozen(x._leaf)
    kept.leaf.grad = None
    x._leaf, x._frozen = None, kept
