"""Residuals of custom rules, and their dependence on the arguments.

    forward(x):  y = x.exp(); return y * y, y        runs outside the graph; y is slot 3 of the trace, x is slot 1

``backward`` is given y as a value. Where its cotangent is to be differentiated again, the steps of ``forward`` that
lead to y are recorded once more, in the graph, on x itself. A residual that is an argument, or the result, stands for
itself.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from tenure.values.grad.replay import Replay
from tenure.values.operations.arithmetic import detach
from tenure.values.rules.rows import ROOT, Path
from tenure.values.trace.handles import living, standing
from tenure.values.trace.trace import Trace


def past_of(t: Any, end: Path) -> Any:
    """View of a trace or segment up to a point of its path, for ``Replay``."""
    sources = t.marks if isinstance(t, Trace) else t.sources
    return SimpleNamespace(path=end, scalars=t.scalars, sources=sources, handlers=t.handlers, twins={}, outs={})


class Beginning:
    """Point of a trace at which ``forward`` begins, with its arguments, detached."""

    __slots__ = ("given", "path", "trace")

    def __init__(self, trace: Any, given: list[Any]) -> None:
        self.trace = trace
        self.path: Path = trace.point()
        self.given = given

    def start(self, t: Any) -> Path:
        """Point before the steps of ``forward`` in the trace in which it has ended."""
        return self.path if t is self.trace else ROOT

    def was_read(self, t: Any) -> bool:
        """Whether ``forward`` has read values, or its trace was cut: its results may then depend on arguments through
        Python numbers."""
        return t is not self.trace or any(x._data is not None for x in self.given)


class Again(Replay):
    """Steps between two points of a path, recorded once more in the graph with other tensors for some slots."""

    def __init__(self, past: Any, start: Path, known: dict[int, Any], outside: Callable[[int], Any]) -> None:
        super().__init__(past, start)
        self.doubles = known
        self.standing = outside
        self.tracks = True

    def outside(self, slot: int) -> Any:
        return self.standing(slot)


class Residuals:
    """Residuals of a rule.

    ``values`` are they, without a graph; ``slots`` says where each stands in the trace of the rule, None for a
    constant. Those of ``again`` were computed by the steps from ``start`` to ``end``, in which ``known`` maps the slots
    of arguments outside the graph to those of the arguments.
    """

    __slots__ = ("again", "end", "known", "slots", "start", "values")

    def __init__(self, values: list[Any]) -> None:
        self.values = values
        self.slots: list[int | None] = [None] * len(values)
        self.again: set[int] = set()
        self.start = self.end = ROOT
        self.known: dict[int, int] = {}

    def place(
        self, t: Any, begun: Beginning, arguments: list[Any], results: dict[int, Any], constants: list[Any]
    ) -> list[Any]:
        """Origins of the residuals: each an argument, one of the ``results`` or ``constants``, a tensor with a graph,
        or a step of ``forward``. Those of unknown origin are returned."""
        self.start, self.end = begun.start(t), t.point()
        swaps = {id(d): x for d, x in zip(begun.given, arguments, strict=True)} | results
        unknown, read = [], begun.was_read(t)
        for k, x in enumerate(self.values):
            source = swaps.get(id(x), x if x._kind.tracked else None)
            if source is not None:
                self.slots[k] = t.bind(source)
            elif x._trace is t and x._slot >= self.start.results and x._aval.dtype.has_gradient:
                self.slots[k] = x._slot
                self.again.add(k)
            elif read and x._aval.dtype.has_gradient and not any(x is c for c in constants):
                unknown.append(x)
        if self.again:
            self.known = {t.bind(d): t.bind(x) for d, x in zip(begun.given, arguments, strict=True)}
            if read:
                unknown += [self.values[k] for k in self.again if not self.told(t, self.values[k]._slot)]
        self.values = [detach(x) for x in self.values]
        for x in self.values:
            x._held = True
        return unknown

    def living(self) -> list[Any]:
        """The values, without a graph."""
        return [living(x) for x in self.values]

    def told(self, t: Any, slot: int) -> bool:
        """Whether a step depends on values only through the graph: on no number, and on no tensor that was new."""
        replay = Again(past_of(t, self.end), self.start, dict.fromkeys(self.known), t.bind)
        steps = [replay.step(s)[0] for s in replay.wanted(slot)]
        read = {a for step in steps for a in step.args} - self.known.keys()
        late = [t.inputs[~a] for a in read if a < 0 and ~a >= self.start.inputs]
        numbers = any(float in step.rule.numbers for step in steps)
        return not numbers and all(x._kind.tracked or not x._aval.dtype.has_gradient for x in late)

    def connected(self, t: Any) -> list[Any]:
        """Residuals with their graph, in the trace in progress."""
        return self._in(past_of(t, self.end), lambda slot: standing(t, slot))

    def doubled(self, replay: Replay, t: Any) -> Residuals:
        """Residuals for the double of a rule's result."""
        twin = Residuals(self.values)
        again = self._in(past_of(replay.segment, self.end), replay.handle)
        twin.slots = [None if slot is None else t.bind(x) for slot, x in zip(self.slots, again, strict=True)]
        return twin

    def _in(self, past: Any, standing: Callable[[int], Any]) -> list[Any]:
        again = None
        if self.again:
            again = Again(past, self.start, {d: standing(x) for d, x in self.known.items()}, standing)
        out = []
        for k, (x, slot) in enumerate(zip(self.values, self.slots, strict=True)):
            if slot is None:
                out.append(living(x))
            else:
                out.append(again.handle(slot) if again is not None and k in self.again else standing(slot))
        return out
