"""The recorder: every operation on tensors is one step in the trie, taken here.

Recording is per thread. A trace in progress is a node of the trie, the handles of its results, the tensors
that are its inputs and the Python numbers it met. ``Recorder.flush`` runs the pending traces, ``seal`` closes a
trace that runs later. An operation is appended only after all its checks; an interrupt in the middle of a
step leaves the trace ``busy``, and the next operation starts another one.
"""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from tenure.errors import DivisionByZero, DTypeError, OutOfRange, ShapeError
from tenure.ir.aval import Aval
from tenure.ops.promote import Operation
from tenure.runtime.bracket import at_once, bracket
from tenure.values import force, period
from tenure.values.expand import Expansion, expand_input, expand_mode
from tenure.values.graph import CodeSite, Leaf
from tenure.values.grow import new_operation
from tenure.values.inside import internally, refuse
from tenure.values.levels import Call, refuse_reading
from tenure.values.modes import MODE, MODES, Mode, current_mode
from tenure.values.trie import ROOT, Key, Node, Slots
from tenure.values.unfinished import Unfinished, bound_elsewhere, refuse_moved

FIRST_LOOK = 1024


_mode = MODE.get
_getframe = sys._getframe
_new = object.__new__


class Trace:
    """Recording in progress. ``marks`` are result slots that are leaves; ``handlers`` act on cotangents; ``vmapped``
    says whether some results are one example's; ``suspended`` is its run that an interrupt has stopped; ``left``,
    whether an interrupter of a step records elsewhere. ``segments`` are those that other threads made of it, and
    ``spent`` the results that a backward consumed which is no step of it, with the line."""

    __slots__ = (
        "__weakref__", "bound", "busy", "cutting", "done", "eager", "expansion", "handlers", "handles", "inputs",
        "left", "lock", "look", "marks", "mode", "node", "running", "scalars", "segments", "sites", "spent",
        "suspended", "token", "vmapped",
    )  # fmt: skip

    def __init__(self) -> None:
        self.node = ROOT
        self.mode: Mode = MODES[True, False]
        self.eager = False
        self.busy = False
        self.cutting = False
        self.done = False
        self.left = False
        self.running = False
        self.suspended: Any = None
        self.vmapped = False
        self.handles: list[Any] = []
        self.inputs: list[Any] = []
        self.bound: dict[int, int] = {}
        self.scalars: list[Any] = []
        self.marks: dict[int, Leaf] = {}
        self.handlers: dict[int, Any] = {}
        self.segments: list[Any] = []
        self.spent: dict[int, CodeSite] = {}
        self.sites: list[tuple[int, CodeSite]] = []
        self.expansion: Expansion | None = None
        self.look = FIRST_LOOK
        self.lock = threading.RLock()
        self.token = weakref.ref(self)

    def enter(self, mode: Mode) -> None:
        """Record a change of mode."""
        if mode.grad is not self.mode.grad:
            node = self.node.next.get(mode.key)
            if node is None:
                node = Node(self.node, mode.key, expand_mode, params=mode.grad)
                node = self.node.next.setdefault(mode.key, node)
            self.node = node
        self.mode = mode
        self.eager = mode.eager

    def bind(self, x: Any) -> int:
        """Slot of a tensor; one from outside becomes an input at its first use."""
        if x._trace is self:
            return x._slot  # type: ignore[no-any-return]
        slot = self.bound.get(id(x))
        if slot is None:
            if x._node is not None:
                refuse_reading(x, None)
            tracked = bool(x._deps)
            key = (x._aval, tracked)
            node = self.node.next.get(key)
            if node is None:
                node = Node(self.node, key, expand_input, params=key, inputs=1)
                node = self.node.next.setdefault(key, node)
            slot = ~len(self.inputs)
            if bound_elsewhere(x):
                x._held = True
            take = (self.inputs.append, x), (setattr, self, "node", node), (self.bound.__setitem__, id(x), slot)
            at_once((*take, (setattr, x, "_bound", (self.token, slot))))
            if type(x) is not _Tensor:
                refuse_moved(x)
        return slot

    def whole(self) -> bool:
        """Whether the trace is at the end of a step: its contents agree with its path."""
        node = self.node
        return (
            len(self.handles) == node.results and len(self.inputs) == node.inputs and len(self.scalars) == node.scalars
        )

    def aval(self, slot: int) -> Aval:
        """Aval of a slot."""
        return self.handles[slot]._aval if slot >= 0 else self.inputs[~slot]._aval  # type: ignore[no-any-return]

    def deps(self, slot: int) -> Slots:
        """Source slots that the gradient of a slot reaches."""
        if slot >= 0:
            return self.handles[slot]._deps  # type: ignore[no-any-return]
        return (slot,) if self.inputs[~slot]._deps else ()

    def compute(self, x: Any) -> None:
        """Compute the value of a pending handle, of whatever trace."""
        RECORDER.compute(x)

    def expanded(self) -> Expansion:
        """Primitives of the path so far."""
        ex, self.expansion = self.expansion or Expansion(), None  # an interrupter makes one of its own
        self.expansion = ex.advance(self.node)
        return ex

    def grow(self, key: Key, fn: Operation, args: tuple[Any, ...], params: Any, scalars: tuple[Any, ...]) -> Node:
        """Add a new step under the current node."""
        try:
            return self.add(internally(self.node, new_operation, self, key, fn, args, params, scalars))
        except (ShapeError, DTypeError, OutOfRange, DivisionByZero) as error:
            raise error.with_traceback(None) from error.__cause__  # it ends near the user's line

    def add(self, node: Node) -> Node:
        """Add a new node under the current one, and look for a cut of long paths."""
        force.count("nodes")
        if node.size >= self.look and not RECORDER.open:
            self.look = internally(node, period.choose_cut, node, self.look)
        return self.node.next.setdefault(node.key, node)

    def append(self, node: Node, frame: Any) -> Any:
        """Append the one result of a step as a new handle."""
        handles = self.handles
        h = _new(_Tensor)
        h._aval = node.aval
        h._deps = node.deps
        h._trace = self
        h._slot = len(handles)
        h._data = None
        h._src = None
        h._node = node
        h._code = frame.f_code
        h._lasti = frame.f_lasti
        handles.append(h)
        self.node = node
        return h

    def settle(self, node: Node, frame: Any) -> tuple[Any, ...]:
        """Append the results of a step as new handles."""
        out = []
        for aval, deps in zip(node.avals, node.depss, strict=True):
            h = self.append(node, frame)
            h._aval, h._deps = aval, deps
            out.append(h)
        self.node = node
        return tuple(out)


class Recorder(threading.local):
    """Recording state of this thread. ``open`` counts transforms in progress, during which nothing is cut; ``vmap`` is
    the innermost vmapped call among them; ``rules`` are the custom rules whose cotangents are differentiated again,
    with whether an array was made there from a tensor with a graph."""

    def __init__(self) -> None:
        collecting = gc.isenabled()
        gc.disable()  # a finalizer that records would find this half made
        try:
            self.sealed: Trace | None = None
            self.site: CodeSite = None
            self.open = 0
            self.vmap: Call | None = None
            self.rules: list[bool] = []
            self.trace = Trace()
            self.unfinished = Unfinished(self.trace)
        finally:
            if collecting:
                gc.enable()

    def __del__(self) -> None:
        for t in (self.__dict__.get("trace"), self.__dict__.get("sealed")):
            if t is not None:
                t.handles = []

    def fresh(self) -> Trace:
        """Start another trace and leave the one in progress as it is; its values are computed when asked for."""
        held = self.__dict__  # looked up once: each attribute of a thread's own is a search for the thread
        if held["trace"].busy:
            held["trace"].left = True
        held["trace"] = trace = held["unfinished"].follow(Trace())
        site = held["site"]
        if site is not None:
            trace.sites.append((0, site))
        return trace  # type: ignore[no-any-return]

    def resume(self, t: Trace) -> None:
        """Continue with a trace whose step was interrupted, and run it first: nothing in it reads what the interrupter
        has recorded elsewhere. A transform goes on with its own trace."""
        held, t.left = self.__dict__, False
        other = held["trace"]
        if other is t or t.done:
            return
        first = t
        if held["open"]:
            held["trace"], first = held["unfinished"].follow(t), other
        if held["sealed"] is None and first.handles and not first.busy:
            held["sealed"] = held["unfinished"].sealed = first

    def hold_open(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function during which nothing is cut."""
        held = self.__dict__
        put, count, call = held.__setitem__, held["open"], held["vmap"]
        leave = ((put, "open", count), (put, "vmap", call))
        return bracket(((put, "open", count + 1),), leave, function, *args, **kwargs)

    def ready(self, t: Trace) -> Trace:
        """Trace to go on with where one is busy, or is to be cut here."""
        return self.fresh() if t.busy else cut(t)

    def seal(self) -> None:
        """Close the trace in progress; it runs at the next read, seal or cut."""
        if self.open:
            return
        if self.sealed is not None:
            sealed, self.sealed = self.sealed, None
            force.run(sealed)
        if self.trace.handles and not self.trace.busy:
            self.sealed = self.unfinished.sealed = self.trace
            self.fresh()

    def flush(self) -> None:
        """Run everything pending in this thread."""
        held = self.__dict__
        sealed, held["sealed"] = held["sealed"], None
        if sealed is not None:
            force.run(sealed)
        t = held["trace"]
        if t.handles and not t.busy:
            self.fresh()
            force.run(t)

    def compute(self, h: Any) -> None:
        """Compute the value of a pending handle."""
        t = h._trace
        if t is None or h._data is not None:
            return
        held = self.__dict__
        trace = held["trace"]
        refuse_reading(h, trace.node.open)
        if t is held["sealed"]:
            held["sealed"] = None
            force.run(t)
        elif t is trace and not held["open"] and not t.busy:
            self.flush()
        else:
            force.run_prefix(t, h, t.expanded)

    def enter_site(self, where: CodeSite) -> None:
        """Set the site of the following operations, a line of the user's; None unsets it."""
        held = self.__dict__
        held["site"], trace = where, held["trace"]
        sites, start = trace.sites, len(trace.handles)
        if sites and sites[-1][0] == start:
            sites.pop()
        sites.append((start, where))


RECORDER = Recorder()
_Tensor: Any = None
_Var: Any = None


EXPRESSIONS: set[type] = set()
"""Classes of tensors whose operations are applied to a program under construction."""
PLACES: set[type] = set()
"""Classes with their present value in ``_val``, which spares most operations on them a call."""


def set_types(tensor: type, place: type) -> None:
    """Tell the recorder the class of the handles it makes, and that of places."""
    global _Tensor, _Var
    _Tensor, _Var = tensor, place


def apply(fn: Operation, operands: tuple[Any, ...], params: Any = (), scalars: tuple[Any, ...] = ()) -> Any:
    """Record an operation on tensors; Python numbers follow as ``scalars``. The caller's caller is its line.

    ``params`` is a tuple of (name, value) pairs whose values are hashable and of one type each.
    """
    if operands and type(operands[0]) in EXPRESSIONS:
        return operands[0].composed(fn, (*operands, *scalars), params)
    t = RECORDER.trace
    if t.busy or t.node.cut:
        t = RECORDER.ready(t)
    t.busy = True
    try:
        mode = _mode()
        if mode is not t.mode:
            t.enter(current_mode())
        args = tuple([x._slot if x._trace is t else t.bind(x) for x in operands])
        if scalars:
            key: Key = (fn, *args, params, *map(type, scalars))
        else:
            key = (fn, *args, params)
        node = t.node.next.get(key)
        if node is None:
            node = t.grow(key, fn, (*args, *[None] * len(scalars)), params, scalars)
        if scalars:
            node.admit(scalars)
            t.scalars.extend(scalars)
        out = t.append(node, _getframe(2)) if len(node.avals) == 1 else t.settle(node, _getframe(2))
        taken(t)
    except Exception as error:
        rest(t)
        refuse(error, fn, params)
    if t.eager:
        cut(t)
    return out


def apply_one(fn: Operation, x: Any, params: Any = (), scalar: Any = None) -> Any:
    """``apply`` for one tensor and at most one number: the usual case, without loops."""
    if type(x) in EXPRESSIONS:
        return x.composed(fn, (x,) if scalar is None else (x, scalar), params)
    t = RECORDER.trace
    if t.busy or t.node.cut:
        t = RECORDER.ready(t)
    t.busy = True
    try:
        mode = _mode()
        if mode is not t.mode:
            t.enter(current_mode())
        slot = x._slot if x._trace is t else t.bind(x)
        if scalar is None:
            key: Key = (fn, slot, params)
            node = t.node.next.get(key)
            if node is None:
                node = t.grow(key, fn, (slot,), params, ())
        else:
            key = (fn, slot, params, type(scalar))
            node = t.node.next.get(key)
            if node is None:
                node = t.grow(key, fn, (slot, None), params, (scalar,))
            if node.single is not scalar:
                node.admit((scalar,))
            t.scalars.append(scalar)
        h = t.append(node, _getframe(2))
        taken(t)
    except Exception as error:
        rest(t)
        refuse(error, fn, params)
    if t.eager:
        cut(t)
    return h


def taken(t: Trace) -> None:
    """Finish a step that was taken."""
    t.busy = False
    if t.left:
        RECORDER.resume(t)


def rest(t: Trace) -> None:
    """Finish a step that has failed. Unless it has left the trace in the middle, recording goes on."""
    t.busy = not t.whole()
    if t.left and not t.busy:
        RECORDER.resume(t)


def cut(t: Trace) -> Trace:
    """End the trace here, if nothing holds it open; gives the next one.

    A loop is cut where its next turn begins to record: the last one's temporaries are gone from the stack then.
    """
    if not RECORDER.open and t is RECORDER.trace:
        t.cutting = True
        RECORDER.flush()
    return RECORDER.trace
