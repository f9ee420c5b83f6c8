"""Traces: recording in progress, as rows behind a path."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from tenure.errors import DivisionByZero, DomainError, DTypeError, OutOfRange, ShapeError
from tenure.ops.promote import Operation
from tenure.runtime.bracket import at_once, bracket
from tenure.values.rules import alike, paths
from tenure.values.rules.expand import Expansion
from tenure.values.rules.graph import CodeSite, Leaf, Twin
from tenure.values.rules.grow import new_operation
from tenure.values.rules.inside import internally
from tenure.values.rules.levels import escaped, is_open, refuse_reading
from tenure.values.rules.modes import MODES, Mode
from tenure.values.rules.rows import ROOT, Path, count
from tenure.values.rules.rules import Key, Kind, Level, Rule, Slots, in_words
from tenure.values.rules.sites import recording
from tenure.values.rules.unfinished import bound_elsewhere, refuse_moved

_new = object.__new__


class Trace:
    """Recording in progress: the ``rules`` and ``slots`` of the rows behind a path. At the row ``limit`` the recorder
    looks whether the trace is to be cut. ``open`` is the innermost vmapped call. ``marks`` are result slots that are
    leaves; ``handlers`` act on cotangents; ``vmapped`` says whether some results are one example's; ``bound_at`` how
    many results there were when each input was bound. ``suspended`` is its run that an interrupt has stopped; ``left``,
    whether an interrupter of a step records elsewhere. ``segments`` are those that other threads made of it, and
    ``spent`` the results that a backward consumed which is no step of it, with the line; ``twins`` says of results that
    were recorded once more which earlier ones they are doubles of. ``tensor`` is the class of
    handles, ``compute`` computes the value of a pending one of whatever trace, ``resume`` goes on with an interrupted
    trace."""

    tensor: ClassVar[Any]
    compute: ClassVar[Callable[[Any], None]]
    resume: ClassVar[Callable[[Any], None]]
    __slots__ = (
        "__weakref__", "bound", "bound_at", "busy", "cutting", "done", "eager", "expansion", "handlers", "handles",
        "inputs", "left", "limit", "lock", "marks", "mode", "open", "path", "rules", "running", "scalars", "segments",
        "sites", "slots", "spent", "suspended", "token", "twins", "vmapped",
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
        self.twins: dict[int, Twin] = {}
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
        """Slot of a tensor, of a place that of its value; one from outside becomes an input at its first use."""
        if type(x) is not self.tensor and hasattr(x, "_val"):
            return self.bind(x._read())
        if x._trace is self:
            return x._slot  # type: ignore[no-any-return]
        slot = self.bound.get(id(x))
        if slot is None:
            kind = x._kind
            if kind.level is not None:
                refuse_reading(x, None)
            rule = alike.input_rule(kind)
            slot = ~len(self.inputs)
            if bound_elsewhere(x):
                x._held = True
            take = (self.inputs.append, x), (self.bound.__setitem__, id(x), slot), (self.rules.append, rule)
            at_once((*take, (self.bound_at.append, len(self.handles)), (setattr, x, "_bound", (self.token, slot))))
            if type(x) is not self.tensor:
                refuse_moved(x)
        return slot

    def point(self) -> Path:
        """The path to here: the rows become a block. Who interrupts that records elsewhere."""
        if not self.rules:
            return self.path
        held = self.busy
        bracket(((setattr, self, "busy", True),), ((setattr, self, "busy", held),), self._shift)
        if self.left and not held:
            Trace.resume(self)
        return self.path

    def _shift(self) -> None:
        """Turn the rows into a block."""
        path = self.path.follow(self.rules, self.slots, self.scalars[self.path.scalars :])
        shift = (setattr, self, "path", path), (setattr, self, "limit", path.limit)
        at_once((*shift, (setattr, self, "rules", []), (setattr, self, "slots", [])))

    def closed(self) -> Path:
        """The path to the end of a trace that records no more: without a step that was interrupted."""
        if self.busy and self.rules:
            rules = self.rules
            del self.slots[sum(map(_arity, rules)) :]
            del self.scalars[self.path.scalars + sum(map(_numbers, rules)) :]
        return self.point()

    def prefix(self, slot: int) -> Path:
        """The path of this trace up to the step of a result; another thread may record meanwhile."""
        path, rules, slots = self.path, self.rules, self.slots
        while path is not self.path:
            path, rules, slots = self.path, self.rules, self.slots
        while path.parent is not None and slot < path.parent.results:
            path = path.parent
        if slot < path.results and path.parent is not None:
            whole, path, rules, slots = path, path.parent, list(path.rules), list(path.slots)
            if slot >= whole.results - len(rules[-1].kinds):
                return whole
        results, k = path.results, 0
        while results <= slot and k < len(rules):
            results, k = results + len(rules[k].kinds), k + 1
        read, numbers = sum(map(_arity, rules[:k])), sum(map(_numbers, rules[:k]))
        return path.follow(rules[:k], slots[:read], self.scalars[path.scalars : path.scalars + numbers])

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

    def expanded(self, path: Path) -> Expansion:
        """Primitives of a path of this trace."""
        ex, self.expansion = self.expansion or Expansion(), None  # an interrupter makes one of its own
        if not path.goes_on_from(ex.path):
            ex = Expansion()
        self.expansion = ex.advance(path)
        return ex

    def grow(
        self, key: Key, fn: Operation, kinds: Sequence[Kind], params: Any, scalars: tuple[Any, ...], first: bool = False
    ) -> Rule:
        """Rule of a new operation, whose numbers may come ``first``."""
        numbers, mode = tuple(map(type, scalars)), self.mode
        rule = alike.filled_in(mode, key)
        if rule is not None:
            rule.check(scalars)
            return rule
        try:
            rule = internally(self, new_operation, key, fn, kinds, params, numbers, mode.grad, (), first)
        except (ShapeError, DTypeError, OutOfRange, DivisionByZero, DomainError) as error:
            raise error.with_traceback(None) from error.__cause__  # it ends near the user's line
        rule.check(scalars)
        count("rules")
        alike.note(rule)
        return mode.known.keep(rule)

    def append(self, rule: Rule, args: Sequence[int], scalars: Sequence[Any], frame: Any) -> Any:
        """Append a step; its result as a new handle, a tuple of them if there is not one."""
        if rule.level is not None and not is_open(rule.level, self.open):
            raise escaped()
        self.scalars.extend(in_words(scalars) if scalars else scalars)
        self.slots.extend(args)
        frame = recording(self, frame)
        out = [self.handle(rule, kind, frame) for kind in rule.kinds]
        self.rules.append(rule)
        return out[0] if rule.kind is not None else tuple(out)

    def handle(self, rule: Rule, kind: Kind, frame: Any) -> Any:
        """Append a new handle."""
        handles = self.handles
        h = _new(self.tensor)
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
