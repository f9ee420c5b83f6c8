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
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from tenure.errors import DivisionByZero, DTypeError, OutOfRange, ShapeError
from tenure.ops.promote import Operation
from tenure.runtime.bracket import at_once, bracket
from tenure.values import force, paths, period
from tenure.values.expand import Expansion, expand_input
from tenure.values.graph import CodeSite, Leaf
from tenure.values.grow import new_operation
from tenure.values.inside import internally, refuse
from tenure.values.levels import Call, escaped, is_open, refuse_reading
from tenure.values.modes import MODE, MODES, Mode, current_mode
from tenure.values.rows import ROOT, Path
from tenure.values.rules import Key, Kind, Level, Rule, Slots
from tenure.values.unfinished import Unfinished, bound_elsewhere, refuse_moved

_mode = MODE.get
_getframe = sys._getframe
_new = object.__new__


class Trace:
    """Recording in progress: the ``rules`` and ``slots`` of the rows behind a path. At the row ``limit`` the recorder
    looks whether the trace is to be cut. ``open`` is the innermost vmapped call. ``marks`` are result slots that are
    leaves; ``handlers`` act on cotangents; ``vmapped`` says whether some results are one example's; ``bound_at`` how
    many results there were when each input was bound. ``suspended`` is its run that an interrupt has stopped; ``left``,
    whether an interrupter of a step records elsewhere. ``segments`` are those that other threads made of it, and
    ``spent`` the results that a backward consumed which is no step of it, with the line."""

    __slots__ = (
        "__weakref__", "bound", "bound_at", "busy", "cutting", "done", "eager", "expansion", "handlers", "handles",
        "inputs", "left", "limit", "lock", "marks", "mode", "open", "path", "rules", "running", "scalars", "segments",
        "sites", "slots", "spent", "suspended", "token", "vmapped",
    )  # fmt: skip

    def __init__(self) -> None:
        self.path = ROOT
        self.rules: list[Rule] = []
        self.slots: list[int] = []
        self.limit = ROOT.limit
        self.open: Level | None = None
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
        self.bound_at: list[int] = []
        self.scalars: list[Any] = []
        self.marks: dict[int, Leaf] = {}
        self.handlers: dict[int, Any] = {}
        self.segments: list[Any] = []
        self.spent: dict[int, CodeSite] = {}
        self.sites: list[tuple[int, CodeSite]] = []
        self.expansion: Expansion | None = None
        self.lock = threading.RLock()
        self.token = weakref.ref(self)

    def enter(self, mode: Mode) -> None:
        """Change the mode."""
        self.mode = mode
        self.eager = mode.eager

    def bind(self, x: Any) -> int:
        """Slot of a tensor; one from outside becomes an input at its first use."""
        if x._trace is self:
            return x._slot  # type: ignore[no-any-return]
        slot = self.bound.get(id(x))
        if slot is None:
            kind = x._kind
            if kind.level is not None:
                refuse_reading(x, None)
            rule = input_rule(kind)
            slot = ~len(self.inputs)
            if bound_elsewhere(x):
                x._held = True
            take = (self.inputs.append, x), (self.bound.__setitem__, id(x), slot), (self.rules.append, rule)
            at_once((*take, (self.bound_at.append, len(self.handles)), (setattr, x, "_bound", (self.token, slot))))
            if type(x) is not _Tensor:
                refuse_moved(x)
        return slot

    def point(self) -> Path:
        """The path to here: the rows become a block."""
        rules, slots = self.rules, self.slots
        if rules:
            path = self.path.follow(rules, slots, self.scalars[self.path.scalars :])
            shift = (setattr, self, "path", path), (setattr, self, "limit", path.limit)
            at_once((*shift, (setattr, self, "rules", []), (setattr, self, "slots", [])))
        return self.path

    def closed(self) -> Path:
        """The path to the end of a trace that records no more: without a step that was interrupted."""
        if self.busy and self.rules:
            rules = self.rules
            del self.slots[sum([rule.arity for rule in rules]) :]
            del self.scalars[self.path.scalars + sum([len(rule.numbers) for rule in rules]) :]
        return self.point()

    def prefix(self, slot: int) -> Path:
        """A path of this trace up to a result or beyond; another thread may record meanwhile."""
        path, rules, slots = self.path, self.rules, self.slots
        while path is not self.path:
            path, rules, slots = self.path, self.rules, self.slots
        if slot >= path.results:
            results, k = path.results, 0
            while results <= slot and k < len(rules):
                results, k = results + len(rules[k].kinds), k + 1
            read, numbers = (sum([f(rule) for rule in rules[:k]]) for f in (_arity, _numbers))
            return path.follow(rules[:k], slots[:read], self.scalars[path.scalars : path.scalars + numbers])
        while path.parent is not None and path.parent.results > slot:
            path = path.parent
        return path

    def so_far(self) -> Path:
        """The path to the last result, of a trace that another thread may record."""
        return self.path if self.done else self.prefix(len(self.handles) - 1)

    def whole(self) -> bool:
        """Whether the trace is at the end of a step: its contents agree with its rows."""
        path, rules = self.path, self.rules
        return (
            len(self.handles) == path.results + sum([len(rule.kinds) for rule in rules])
            and len(self.inputs) == path.inputs + sum([rule.inputs for rule in rules])
            and len(self.scalars) == path.scalars + sum(map(_numbers, rules))
            and len(self.slots) == sum(map(_arity, rules))
        )

    def kind(self, slot: int) -> Kind:
        """Kind of a slot."""
        return self.handles[slot]._kind if slot >= 0 else self.inputs[~slot]._kind  # type: ignore[no-any-return]

    def deps(self, slot: int) -> Slots:
        """Source slots that the gradient of a slot reaches."""
        return paths.reached(self.point(), slot) if self.kind(slot).tracked else ()

    def compute(self, x: Any) -> None:
        """Compute the value of a pending handle, of whatever trace."""
        RECORDER.compute(x)

    def expanded(self, path: Path) -> Expansion:
        """Primitives of a path of this trace."""
        ex, self.expansion = self.expansion or Expansion(), None  # an interrupter makes one of its own
        if ex.path is not path and ex.path not in path.blocks():
            ex = Expansion()
        self.expansion = ex.advance(path)
        return ex

    def grow(self, key: Key, fn: Operation, kinds: Sequence[Kind], params: Any, scalars: tuple[Any, ...], turned: bool = False) -> Rule:
        """Rule of a new operation, whose numbers come first if it is ``turned``."""
        numbers, mode = tuple(map(type, scalars)), self.mode
        try:
            rule = internally(self, new_operation, key, fn, kinds, params, numbers, mode.grad, (), turned)
        except (ShapeError, DTypeError, OutOfRange, DivisionByZero) as error:
            raise error.with_traceback(None) from error.__cause__  # it ends near the user's line
        rule.check(scalars)
        force.count("rules")
        return mode.known.keep(rule)  # type: ignore[no-any-return]

    def append(self, rule: Rule, args: Sequence[int], scalars: Sequence[Any], frame: Any) -> Any:
        """Append a step; its result as a new handle, a tuple of them if there is not one."""
        if rule.level is not None and not is_open(rule.level, self.open):
            raise escaped()
        self.scalars.extend(scalars)
        self.slots.extend(args)
        out = [self.handle(rule, kind, frame) for kind in rule.kinds]
        self.rules.append(rule)
        return out[0] if rule.kind is not None else tuple(out)

    def handle(self, rule: Rule, kind: Kind, frame: Any) -> Any:
        """Append a new handle."""
        handles = self.handles
        h = _new(_Tensor)
        h._aval = kind.aval
        h._kind = kind
        h._trace = self
        h._slot = len(handles)
        h._data = None
        h._src = None
        h._rule = rule
        h._code = frame.f_code
        h._lasti = frame.f_lasti
        handles.append(h)
        return h


_arity, _numbers = (lambda rule: rule.arity), (lambda rule: len(rule.numbers))


def input_rule(kind: Kind) -> Rule:
    """Rule of a new input of a kind."""
    if kind.input is None:
        kind.input = Rule((expand_input, kind), expand_input, params=(kind.aval, kind.tracked), inputs=1)
    return kind.input  # type: ignore[no-any-return]


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
        """Trace to go on with where one is busy, or may be cut here."""
        if t.busy:
            return self.fresh()
        return cut(t) if period.due(t, bool(self.open)) else t

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
        refuse_reading(h, trace.open)
        if t is held["sealed"]:
            held["sealed"] = None
            force.run(t)
        elif t is trace and not held["open"] and not t.busy:
            self.flush()
        else:
            if t is trace and not t.busy:
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

    A loop is cut where its next turn begins to record: the last one's temporaries are gone from the stack then.
    """
    if not RECORDER.open and t is RECORDER.trace:
        t.cutting = True
        RECORDER.flush()
    return RECORDER.trace
