"""Tensors that change their part: one that gets another's elements, a leaf that becomes the owner, views whose base
enters or leaves a graph."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from tenure.torch.cells.geometry import contiguous
from tenure.torch.cells.spreading import join
from tenure.torch.cells.steps import Strided
from tenure.torch.cells.windows import (
    VIEW_OF_LEAF,
    Window,
    base_of,
    forget,
    geometry,
    is_shared,
    layout,
    lineage,
    look,
    present,
    take,
    with_node,
)
from tenure.values.operations.arithmetic import detach
from tenure.values.rules.sites import here


def rebind(x: Any, other: Any, shares: bool = False) -> None:
    """Make x show the elements of another tensor (``x.data = other``); windows taken of x keep those that it had. The
    other is x's window from then on; x is its, if it had windows before or ``shares``. A view stays one, in PyTorch's
    graph, of its base."""
    node = present(x)
    if x._window is not None and x._window.step is not None:
        x.__dict__["_base_before"] = base_of(x)
    if any((v := r()) is not None and v._window.owner is x for r in x._borrows) or x._window is not None:
        set_apart(x)._leaf = x._leaf
    value = detach(look(other))
    x._layout = x._lent = None
    x._val = with_node(value, x, node if node._aval == value._aval else None)
    if not shares and other._window is None and other._leaf is None and other._lent is None and not other._borrows:
        x._layout = other._layout
        x._home = other._home
        w = other._window = Window(x, x, None, True, here())
        w.node = other._val if other._val._kind.tracked else None
        x._borrows = [weakref.ref(other)]
        held = x._val
    else:
        held = x._val
        del x._val
        w = take(other, x, None)._window
        w.node = held if held._kind.tracked else None
        if is_shared(w.owner):
            return
        x._val = held
    held._held = True


def set_apart(x: Any) -> Any:
    """Part x from its elements: a hidden tensor stands in its place, of which the views of x are views from now on."""
    hidden = x._face._blank()
    hidden._val, hidden._layout, hidden._window, hidden._lent = present(x), x._layout, x._window, x._lent
    mine = x._borrows if x._window is None else x._window.owner._borrows
    for r in mine:
        v = r()
        if v is not None and v is not x:
            w = v._window
            w.owner = hidden if w.owner is x else w.owner
            w.parent = hidden if w.parent is x else w.parent
    if x._window is None:
        hidden._borrows, x._borrows = x._borrows, ()
    else:
        stand_in(x._window.owner, x, hidden)
    x._window = None
    lent = (hidden if hidden._window is None else hidden._window.owner)._lent
    if lent is not None:
        lent.shown.pop(id(x), None)
    return hidden


def stand_in(owner: Any, old: Any, new: Any) -> None:
    """Let a tensor stand in the place of another among the views of an owner."""
    owner._borrows = [*[r for r in owner._borrows if r() is not old], weakref.ref(new)]


def resize(x: Any, shape: tuple[int, ...]) -> bool:
    """Give x another shape over its owner's elements, from where it begins, as ``resize_`` does in PyTorch; False where
    the owner has too few of them, or is itself in the graph."""
    at, to = geometry(x).offset, contiguous(shape)
    owner = x if x._window is None else x._window.owner
    size = owner._aval.size
    if (at < size < at + to.size) or present(owner)._kind.tracked or present(x)._kind.tracked:
        return False
    value, hidden = present(x), set_apart(x)
    x._layout = x._lent = None
    if at >= size:  # an empty view at the end of its owner is parted from it
        x._val = value
        return True
    base = hidden if owner is x else owner
    take(base, x, Strided(layout(base), to, at))
    return True


def seen_as(x: Any, view: Callable[[Any], Any]) -> Any:
    """Make x a view of what it was: a hidden tensor stands in its place, of which its views are views from now on."""
    w = x._window
    if w is None:
        hidden = set_apart(x)
    else:
        hidden = x._face._blank()
        hidden._val = present(x)
        hidden._window = inner = Window(w.owner, w.parent, w.step, w.recorded, w.where)
        for name in ("foreign", "flag", "is_root", "node", "written", "quiet"):
            setattr(inner, name, getattr(w, name))
        if w.foreign:
            del hidden._val
        for r in w.owner._borrows:
            if (v := r()) is not None and v._window.parent is x:
                v._window.parent = hidden
        stand_in(w.owner, x, hidden)
    x._layout = x._lent = None
    seen = view(hidden)
    x._window = seen._window
    if hasattr(seen, "_val"):
        x._val = seen._val
    elif hasattr(x, "_val"):
        del x._val
    stand_in(x._window.owner, seen, x)
    return x


def become_owner(x: Any) -> None:
    """Make x, a leaf that shows all of an owner, the owner, and that one a window of it: two variables share elements,
    and the one that is written keeps them."""
    w = x._window
    other, node = w.parent, present(w.parent)
    x._lent, x._layout, other._lent, other._layout = other._lent, other._layout, None, None
    x._window, x._borrows = None, [r for r in other._borrows if r() is not x]
    for r in x._borrows:
        if (v := r()) is not None:
            v._window.owner = x
    other._borrows = ()
    shown = other._window = Window(x, x, None, True, w.where)
    shown.node = node if node._kind.tracked else None
    x._borrows.append(weakref.ref(other))


def keep_nodes(x: Any) -> None:
    """Let views of x, which leaves its graph, keep theirs: they require grad as before, and are not written in it."""
    for r in x._borrows if x._window is None else x._window.owner._borrows:
        v = r()
        if v is None or v._window.parent is not x or v._window.is_root:
            continue
        if not v._window.recorded:
            forget(v)  # it required grad, which went nowhere, as its base did
            continue
        value = present(v)
        if value._kind.tracked:
            v._window.is_root, v._window.node, v._window.flag = True, value, VIEW_OF_LEAF


def step_aside(x: Any) -> None:
    """Part the views of x, a view that becomes a leaf, from its graph: their base is the tensor that x is a view of."""
    w = x._window
    if w.is_root:
        return
    mine = [v for r in w.owner._borrows if (v := r()) is not None and v._window.parent is x]
    if mine:
        hidden = x._face._blank()
        hidden._window = inner = Window(w.owner, w.parent, w.step, w.recorded, w.where)
        inner.foreign, inner.flag = w.foreign, w.flag
        w.owner._borrows.append(weakref.ref(hidden))
        for v in mine:
            v._window.parent = hidden


def outlive(x: Any) -> None:
    """Views that x had before it became a leaf require grad from now on, which goes nowhere, as in PyTorch; where x was
    written since they were taken, PyTorch makes their graph anew."""
    for r in x._borrows if x._window is None else x._window.owner._borrows:
        v = r()
        if v is None or v is x or not any(t is x for t in lineage(v)):
            continue
        w = v._window
        if not w.is_root:
            forget(v)
            w.recorded = w.written
        elif w.written and base_of(v) is x and (v._leaf is not None or not hasattr(v, "_val")):
            join(v)
