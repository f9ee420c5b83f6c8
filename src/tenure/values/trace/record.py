"""The recorder: every operation on tensors is one row of a trace, appended here.

Recording is per thread. A trace in progress is a path, the rows behind it, the handles of its results, the tensors
that are its inputs and the Python numbers it met. ``Recorder.flush`` runs the pending traces, ``seal`` closes a
trace that runs later. An operation is appended only after all its checks; an interrupt in the middle of a
step leaves the trace ``busy``, and the next operation starts another one.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

from tenure.ops.promote import Operation
from tenure.runtime.bracket import bracket
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.inside import refuse
from tenure.values.rules.levels import Call, refuse_reading
from tenure.values.rules.modes import MODE, current_mode
from tenure.values.rules.rules import Key
from tenure.values.rules.unfinished import Unfinished
from tenure.values.run import force, young
from tenure.values.run.lost import Running
from tenure.values.trace import period
from tenure.values.trace.trace import Trace

_mode = MODE.get
_getframe = sys._getframe


class Recorder(threading.local):
    """Recording state of this thread. ``open`` counts transforms in progress, during which nothing is cut; ``vmap`` is
    the innermost vmapped call among them; ``home`` is what places made now belong to: that call, or an inference mode
    within it; ``rules`` are the custom rules whose cotangents are differentiated again,
    with whether an array was made there from a tensor with a graph."""

    def __init__(self) -> None:
        collecting = gc.isenabled()
        gc.disable()  # a finalizer that records would find this half made
        try:
            self.sealed: Trace | None = None
            self.site: CodeSite = None
            self.open = 0
            self.vmap: Call | None = None
            self.home: Any = None
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
        put = held.__setitem__
        leave = tuple([(put, name, held[name]) for name in ("open", "vmap", "home")])
        return bracket(((put, "open", held["open"] + 1),), leave, function, *args, **kwargs)

    def ready(self, t: Trace) -> Trace:
        """Trace to go on with where one is busy, or may be cut here: not by who interrupts a run, and would wait for
        it."""
        if t.busy:
            return self.fresh()
        return cut(t) if period.due(t, bool(self.open) or Running.here()) else t

    def seal(self) -> None:
        """Close the trace in progress; it runs at the next read, seal or cut."""
        if self.open:
            return
        if self.sealed is not None:
            sealed, self.sealed = self.sealed, None
            young.run(sealed)
        if self.trace.handles and not self.trace.busy:
            self.sealed = self.unfinished.sealed = self.trace
            self.fresh()

    def flush(self) -> None:
        """Run everything pending in this thread."""
        held = self.__dict__
        sealed, held["sealed"] = held["sealed"], None
        if sealed is not None:
            young.run(sealed)
        t = held["trace"]
        if t.handles and not t.busy:
            self.fresh()
            young.run(t)

    def compute(self, h: Any) -> None:
        """Compute the value of a pending handle."""
        t = h._trace
        if t is None or h._data is not None:
            return
        held = self.__dict__
        trace = held["trace"]
        refuse_reading(h, trace.open)
        if t is held["sealed"]:
            held["sealed"] = None
            young.run(t)
        elif t is trace and not held["open"] and not t.busy:
            self.flush()
        else:
            if t is trace and not t.busy and h._slot == len(t.handles) - 1:
                t.point()  # so that the next such read starts from here
            force.run_prefix(t, h)

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
    Trace.tensor, Trace.compute, Trace.resume = tensor, staticmethod(RECORDER.compute), staticmethod(RECORDER.resume)


def apply(fn: Operation, operands: tuple[Any, ...], params: Any = (), scalars: tuple[Any, ...] = ()) -> Any:
    """Record an operation on tensors; Python numbers follow as ``scalars``. The caller's caller is its line.

    ``params`` is a tuple of (name, value) pairs whose values are hashable and of one type each.
    """
    if operands and type(operands[0]) in EXPRESSIONS:
        return operands[0].composed(fn, (*operands, *scalars), params)
    t = RECORDER.trace
    if t.busy or len(t.rules) >= t.limit:
        t = RECORDER.ready(t)
    t.busy = True
    try:
        mode = _mode()
        if mode is not t.mode:
            t.enter(current_mode())
        args = [x._slot if x._trace is t else t.bind(x) for x in operands]
        kinds = [t.kind(slot) for slot in args]
        key: Key = (fn, *kinds, params, *map(type, scalars)) if scalars else (fn, *kinds, params)
        rule = t.mode.known.get(key)
        if rule is None:
            rule = t.grow(key, fn, kinds, params, scalars)
        elif scalars:
            rule.check(scalars)
        out = t.append(rule, args, scalars, _getframe(2))
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
    if t.busy or len(t.rules) >= t.limit:
        t = RECORDER.ready(t)
    t.busy = True
    try:
        mode = _mode()
        if mode is not t.mode:
            t.enter(current_mode())
        slot = x._slot if x._trace is t else t.bind(x)
        kind = t.kind(slot)
        scalars = () if scalar is None else (scalar,)
        key: Key = (fn, kind, params) if scalar is None else (fn, kind, params, type(scalar))
        rule = t.mode.known.get(key)
        if rule is None:
            rule = t.grow(key, fn, (kind,), params, scalars)
        elif scalars:
            rule.check(scalars)
        h = t.append(rule, (slot,), scalars, _getframe(2))
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

    A loop is cut where its next turn begins to record: the last one's temporaries are gone from the stack then. What a
    long loop does not need for its first derivative it does not keep; an eager operation keeps its operands.
    """
    if not RECORDER.open and t is RECORDER.trace:
        t.cutting = not t.eager
        RECORDER.flush()
    return RECORDER.trace
