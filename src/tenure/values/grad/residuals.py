"""Residuals of custom rules, and their dependence on the arguments.

    forward(x):  y = x.exp(); return y * y, y        runs outside the graph; y is slot 3 of the trace, x is slot 1

``backward`` is given y as a value. Where its cotangent is to be differentiated again, the steps of ``forward`` that
lead to y are recorded once more, in the graph, on x itself. A residual that is an argument, or the result, stands for
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tenure.values.grad.replay import Replay
from tenure.values.operations.arithmetic import detach
from tenure.values.rules.rows import ROOT, Path
from tenure.values.trace.handles import living, standing
from tenure.values.trace.trace import Trace


class Past:
    """A trace or a segment up to a result, for ``Replay``."""

    def __init__(self, of: Any, last: int) -> None:
        in_progress = isinstance(of, Trace)
        path = of.point() if in_progress else of.path
        while path.parent is not None and last < path.parent.results:
            path = path.parent
        self.path: Path = path
        self.scalars, self.sources, self.handlers = of.scalars, of.marks if in_progress else of.sources, of.handlers
        self.twins: dict[int, Any] = {}
        self.outs: dict[int, Any] = {}


class Beginning:
    """Point of a trace at which ``forward`` begins: so many results and inputs, some rows behind a path. Its arguments
    are ``given`` detached, or it is given nothing of them and reads them as they are."""

    __slots__ = ("given", "inputs", "path", "results", "trace")

    def __init__(self, trace: Any, given: list[Any]) -> None:
        self.trace, self.given, self.path = trace, given, trace.path
        self.results, self.inputs = len(trace.handles), len(trace.inputs)

    def was_read(self, t: Any) -> bool:
        """Whether ``forward`` has read values, or its trace was cut: its results may then depend on arguments through
        Python numbers."""
        return t is not self.trace or any(x._data is not None for x in self.given)


class Again(Replay):
    """Steps of ``forward`` recorded once more in the graph, with other tensors for some slots."""

    def __init__(
        self, past: Past, start: tuple[Path, int], known: dict[int, Any], outside: Callable[[int], Any]
    ) -> None:
        super().__init__(past, *start)
        self.doubles = known
        self.standing = outside
        self.tracks = True

    def outside(self, slot: int) -> Any:
        return self.standing(slot)


class Residuals:
    """Residuals of a rule.

    ``values`` are they, without a graph; ``slots`` says where each stands in the trace of the rule, None for a
    constant. Those of ``again`` were computed by the steps from ``start`` on, a path and the first of the results
    behind it, in which ``known`` maps the slots of arguments outside the graph to those of the arguments.
    """

    __slots__ = ("again", "known", "slots", "start", "values")

    def __init__(self, values: list[Any]) -> None:
        self.values = values
        self.slots: list[int | None] = [None] * len(values)
        self.again: set[int] = set()
        self.start: tuple[Path, int] = ROOT, 0
        self.known: dict[int, int] = {}

    def place(
        self, t: Any, begun: Beginning, arguments: Sequence[Any], results: dict[int, Any], others: Sequence[Any] | None
    ) -> list[Any]:
        """Origins of the residuals: each an argument, one of the ``results``, a tensor with a graph, or a step of
        ``forward``. If that has read values, they are of unknown origin unless among ``others``; those are returned."""
        if t is begun.trace:
            self.start = begun.path, begun.results
        swaps = results
        if begun.given:
            swaps = {id(d): x for d, x in zip(begun.given, arguments, strict=False)} | results
        unknown, first = [], self.start[1]
        for k, x in enumerate(self.values):
            source = swaps.get(id(x), x if x._kind.tracked else None)
            if source is not None:
                self.slots[k] = t.bind(source)
            elif x._trace is t and x._slot >= first and x._aval.dtype.has_gradient:
                self.slots[k] = x._slot
                self.again.add(k)
            elif others is not None and x._aval.dtype.has_gradient and not any(x is c for c in others):
                unknown.append(x)
        if self.again:
            self.known = {t.bind(d): t.bind(x) for d, x in zip(begun.given, arguments, strict=False)}
            if others is not None:
                unknown += [self.values[k] for k in self.again if not self.told(t, self.values[k]._slot, begun)]
        self.values = [detach(x) if x._kind.tracked else x for x in self.values]
        for x in self.values:
            x._held = True
        return unknown

    def living(self) -> list[Any]:
        """The values, without a graph."""
        return [living(x) for x in self.values]

    def told(self, t: Any, slot: int, begun: Beginning) -> bool:
        """Whether a step depends on values only through the graph: on no number, and on no tensor that was new."""
        replay = Again(self.past(t), self.start, dict.fromkeys(self.known), t.bind)
        steps = [replay.step(s)[0] for s in replay.wanted(slot)]
        read = {a for step in steps for a in step.args} - self.known.keys()
        given = begun.inputs if t is begun.trace else 0
        late = [t.inputs[~a] for a in read if a < 0 and ~a >= given]
        numbers = any(float in step.rule.numbers for step in steps)
        return not numbers and all(x._kind.tracked or not x._aval.dtype.has_gradient for x in late)

    def connected(self, t: Any) -> list[Any]:
        """Residuals with their graph, in the trace in progress."""
        return self._in(t, lambda slot: standing(t, slot))

    def doubled(self, replay: Replay, t: Any) -> Residuals:
        """Residuals for the double of a rule's result."""
        twin = Residuals(self.values)
        again = self._in(replay.segment, replay.handle)
        twin.slots = [None if slot is None else t.bind(x) for slot, x in zip(self.slots, again, strict=True)]
        return twin

    def past(self, of: Any) -> Past:
        """The trace or segment of the rule up to the last of the residuals that were computed."""
        return Past(of, max([slot for k, slot in enumerate(self.slots) if slot is not None and k in self.again]))

    def _in(self, of: Any, standing: Callable[[int], Any]) -> list[Any]:
        again = None
        if self.again:
            again = Again(self.past(of), self.start, {d: standing(x) for d, x in self.known.items()}, standing)
        out = []
        for k, (x, slot) in enumerate(zip(self.values, self.slots, strict=True)):
            if slot is None:
                out.append(living(x))
            else:
                out.append(again.handle(slot) if again is not None and k in self.again else standing(slot))
        return out
