"""Windows: views of a cell, what they show now, and how a write goes through them.

    x = zeros(3)            an owner: its elements are its value
    v = x[:2]               a window: its parent is x, its step an index
    d = x.detach()          a window with a graph of its own (``is_root``): no step, the parent's elements

A write of a window puts its part into its parent's value, and so on up to the owner (``giving``). Every other window
that shows a written element forgets its value (``spreading``): one that the writer was taken from looks again, and any
other is stale, which the next read finds (``aliasing``). Who does not write pays nothing.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from tenure.errors import BorrowError
from tenure.torch.cells.aliasing import is_safe, stale
from tenure.torch.cells.geometry import IN_ORDER, Geometry, Layout, contiguous
from tenure.torch.cells.remaking import remade
from tenure.torch.cells.retaining import Retained, carried
from tenure.torch.cells.silent import watch
from tenure.torch.cells.steps import Step
from tenure.torch.cells.turns import RUNS, TURN, patiently
from tenure.values.native.hits import coded, know
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.places.var import as_leaf
from tenure.values.rules.graph import GRAFTED, CodeSite, Leaf
from tenure.values.rules.modes import current_mode, enable_grad
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor as Value

NO_GRAD = (
    "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use case"
    " is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace"
    " either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want"
    " the inplace to be tracked)."
)
VIEW_OF_LEAF = "a view of a leaf Variable that requires grad is being used in an in-place operation."
MULTIPLE = (
    "Output {} of {} is a view and is being modified inplace. This view is the output of a function that returns"
    " multiple views. Such functions do not allow the output views to be modified inplace. You should replace the"
    " inplace operation by an out-of-place one."
)


know("no_grad_flag", NO_GRAD)
know("layouts", IN_ORDER)


class Window:
    """View of a parent: a step (None: all of it), and whether in the graph.

    ``is_root`` says that it has a graph of its own, of which ``node`` is a value, as of the graph of a view whose
    elements have been lent; ``foreign`` are the writes by others since it was taken: where in the owner, the line, the
    thread. A ``quiet`` one is taken through
    ``.data``: the graph does not notice its writes. ``written`` says whether any element of the owner was, since the
    view was taken.
    """

    __slots__ = (
        "flag", "foreign", "is_root", "layout", "node", "offset", "owner", "parent", "quiet", "recorded", "step",
        "where", "written",
    )  # fmt: skip

    def __init__(self, owner: Any, parent: Any, step: Step | None, recorded: bool, where: CodeSite) -> None:
        self.owner = owner
        self.parent = parent
        self.step = step
        self.recorded = recorded
        self.is_root = step is None or not step.in_graph
        self.where = where
        self.node: Any = None
        self.foreign: Sequence[tuple[Any, ...]] = ()
        self.written = False
        outer = parent._window
        self.flag: str | tuple[int, str] | None = None
        self.quiet, start = False, 0
        if outer is not None:
            start, self.quiet = outer.offset, outer.quiet
            self.flag = None if outer.is_root or step is None else outer.flag
        self.layout = layout(parent) if step is None else step.layout
        self.offset = start if step is None else start + step.offset
        if not recorded and step is not None and step.in_graph:
            self.flag = NO_GRAD

    @property
    def geometry(self) -> Geometry:
        """Geometry in the owner's elements: all of them, of a view that shows them as others."""
        w: Window | None = self
        while w is not None:
            if w.step is not None and w.step.recasts:
                return Geometry(0, layout(self.owner))
            w = w.parent._window
        return Geometry(self.offset, self.layout)


@coded
def layout(x: Any) -> Layout:
    """Layout of a tensor."""
    w = x._window
    if w is not None:
        return w.layout  # type: ignore[no-any-return]
    own = x._layout
    if own is not None:
        return own  # type: ignore[no-any-return]
    try:
        return contiguous(x._val._aval.shape)
    except AttributeError:
        return contiguous(x._aval.shape)


def geometry(x: Any) -> Geometry:
    """Geometry of a tensor in its owner's elements."""
    w = x._window
    return Geometry(0, layout(x)) if w is None else w.geometry


def lineage(x: Any) -> Iterator[Any]:
    """A tensor, and those that it was taken from."""
    while x is not None:
        yield x
        x = x._window and x._window.parent


def take(x: Any, v: Any, step: Step | None, where: CodeSite = None) -> Any:
    """Make v, a blank tensor or None for a new one, a window of x."""
    outer = x._window
    owner = x if outer is None else outer.owner
    recorded = current_mode().grad
    try:
        base = x._val
    except AttributeError:
        base = present(x)
    value = detach(base) if step is None else step.see(base)
    if not recorded and step is not None and step.in_graph and base._kind.tracked:
        value = as_leaf(value, Leaf()) if is_tracked(x) else detach(value)
    w = Window(owner, x, step, recorded, where or here())
    if v is None:
        v = x._of(value)
        v._window = w
    else:
        v._window = w
        v._val = value
        value._held = True
    if outer is not None and outer.foreign:
        w.foreign = [entry for entry in outer.foreign if w.geometry.overlaps(entry[0])]
    if w.foreign or is_shared(owner):
        del v._val
    note_window(owner, v)
    if getattr(x, "_val", None) is not base:
        forget(v)  # another thread has written before the owner knew of the window
    return v


def note_window(owner: Any, v: Any) -> None:
    """Let an owner know a window."""
    fresh: list[Any] = []
    if owner._borrows.__class__ is tuple:  # from this look to the store comes no other thread
        owner._borrows = fresh
    windows = owner._borrows
    windows.append(weakref.ref(v))
    if len(windows) > 64 and not len(windows) - 1 & len(windows) - 2:
        with TURN:
            drop_dead(windows)


def drop_dead(windows: list[Any]) -> None:
    """Drop windows that are dead, but for the last: there others may be noted meanwhile."""
    end = len(windows) - 1
    windows[:end] = [r for r in windows[:end] if r() is not None]


def root_of(x: Any) -> Any:
    """Tensor that the autograd chain of a window ends at."""
    while x._window is not None and not x._window.is_root:
        x = x._window.parent
    return x


def base_of(x: Any) -> Any:
    """Tensor that x, and the views of x, are views of in PyTorch's graph."""
    while x._window is not None and x._window.step is not None and x._window.step.in_graph:
        x = x._window.parent
    return x


def is_tracked(x: Any) -> bool:
    """Whether the tensor that the views of x are views of in PyTorch's graph requires grad."""
    return bool(present(base_of(x))._kind.tracked)


@coded
def detached(x: Any, quiet: bool) -> Any:
    """View of all of a tensor, with a graph of its own; ``quiet`` if the graph of the tensor notices no writes."""
    v = take(x, None, None)
    v._window.quiet = v._window.quiet or quiet
    return v


def root_view(x: Any, value: Any) -> Any:
    """View of all of a tensor, with the graph of a value that has the same elements."""
    v = take(x, None, None)
    if value._kind.tracked:
        v._window.node = v._val = value
    return v


@coded
def windowed(x: Any, step: Step) -> Any:
    """View of a tensor by a step."""
    return take(x, None, step)


def present(x: Any) -> Any:
    """Value of a tensor now, stale or not. It is kept, unless it is stale."""
    value = getattr(x, "_val", None)
    if value is None:
        return renewed(x)
    return value if type(value) is Value else x._healed(value)


def renewed(x: Any) -> Any:
    """Value of a tensor that has forgotten it."""
    if x._window is None:
        return remembered(x)
    if RUNS:
        patiently()
    with TURN:  # else a write could come between what is read and what is kept
        return renewed_window(x)


def renewed_window(x: Any) -> Any:
    """Value of a window that has forgotten it."""
    w = x._window
    if w.foreign and not is_safe():
        w.foreign = ()  # its elements are now those that were written
    base = present(w.parent)
    if is_shared(w.owner):
        return remade(x, (base, w.node), seen)
    value = seen(x, base)
    if not w.foreign:
        x._val = value
        value._held = True
    if Retained.is_used:
        carried(x, value)
    return value


def seen(x: Any, base: Any) -> Any:
    """The part of its parent's value that a window shows."""
    w = x._window
    if w.is_root:
        value = detach(base) if w.step is None else w.step.see(detach(base))
        value = with_node(value, x, w.node)
    elif not base._kind.tracked:
        value = w.step.see(base)
    elif w.node is not None:
        value = grafted(w.step.see(detach(base)), w.node)
    elif w.recorded:
        value = enable_grad().apply(seen_of_base, x) if w.written else enable_grad().apply(w.step.see, base)
    else:
        value = w.step.see(detach(base))
        if is_tracked(w.parent):
            value = as_leaf(value, Leaf())  # as in PyTorch: it requires grad, which goes nowhere
    return value


def seen_of_base(x: Any) -> Any:
    """The part of its base that a view shows: after a write, what it was taken from is not in its graph."""
    w, parent = x._window, x._window.parent
    outer = parent._window
    if outer is None or outer.is_root or not outer.recorded:
        return w.step.see(present(parent))
    return w.step.see(seen_of_base(parent))


def is_shared(owner: Any) -> bool:
    """Whether an owner's elements lie in memory that others write."""
    lent = owner._lent
    return lent is not None and (lent.memory is not None or lent.held is not None)


def remembered(x: Any) -> Any:
    """Value of an owner whose elements lie in memory that others write."""
    lent = x._lent
    if lent is not None and lent.former is not None and is_safe():
        raise rewritten(lent)
    if not is_shared(x):
        return x._gone()
    if lent.held is not None:
        return lent.current(x)
    return remade(x, (lent.memory.tobytes(), lent.node), lent_value)


def rewritten(lent: Any) -> BorrowError:
    """TN506 of a tensor of an array, whose memory another name has written; the line is known of a tensor."""
    _, where = lent.former
    other = [("written here", site(where))] if where else []
    return BorrowError(
        "a tensor of an array's elements is read after"
        f" {'another tensor of them' if where else 'the array'} was written",
        code="TN506",
        at=site(here()),
        notes=[("the array was given here", site(lent.arrays[0].where)), *other],
        help="`torch.tensor(array)` has elements of its own; or make the tensor again",
    )


def described(x: Any) -> Any:
    """Value of a tensor that says its shape and dtype: also where its elements are not to be read."""
    lent = (x if x._window is None else x._window.owner)._lent
    if lent is None or lent.held is None:
        return present(x) if lent is None or x._window is not None or lent.former is None else lent.former[0]
    if x._window is None:
        return lent.held
    entry = lent.shown.get(id(x))
    return present(x) if entry is None or entry[0]() is not x else entry[2]


def lent_value(x: Any, made_of: Any) -> Any:
    """Value of the elements that lie in memory now."""
    value = with_node(wrap(np.array(x._lent.memory, order="C")), x, x._lent.node)
    if not x._lent.is_mapped:
        lent = x._lent
        where = lent.arrays[-1].where if lent.arrays else None
        watch(value, lambda value: differs(value, lent.memory), where, lent.memory)
    return value


def differs(value: Any, memory: Any) -> bool:
    """Whether memory has other elements than a value that was read of it."""
    return not np.array_equal(array_of(value), memory, equal_nan=value._aval.dtype.kind in "fc")


def look(x: Any) -> Any:
    """Value of a tensor for a read; TN597 where a window is stale, unless as in PyTorch."""
    w = x._window
    if w is None or not is_safe():
        return present(x)
    if is_shared(w.owner):
        present(w.owner)  # which finds what an array wrote
    if w.foreign:
        _, where, _, *said = w.foreign[-1]
        raise stale(w.where, where, *said)
    return present(x)


def with_node(value: Any, x: Any, node: Any) -> Any:
    """Value without a graph as that of a leaf, or with the graph that a root had before."""
    if x._leaf is not None:
        return as_leaf(value, x._leaf)
    return value if node is None or not node._kind.tracked else grafted(value, node)


def grafted(value: Any, node: Any) -> Any:
    """Elements of one value with the graph of another: a write outside the graph leaves the gradient as it was."""
    array_of(node)
    made = wrap(array_of(value), value._aval)
    made._kind, made._src, made._slot = node._kind, node._src, GRAFTED
    return made


def forget(x: Any) -> None:
    """Drop the value of a window, whose elements were written; the graph of a root is kept."""
    w = x._window
    if not w.is_root:
        w.node = None
    with suppress(AttributeError):
        if w.is_root and x._val._kind.tracked:
            w.node = x._val
        del x._val
