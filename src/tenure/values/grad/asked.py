"""Requests of a gradient in the graph of run values: results, the doubles of each, and the way to them.

A gradient that can be differentiated again is computed from doubles of what a run trace has left (``replay``), so what
is computed from it leads to the doubles, and not to the result that a program holds. The gradient with respect to a
result is that with respect to all its doubles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from math import inf
from typing import Any

from tenure.values.grad.units import source_of
from tenure.values.rules import paths
from tenure.values.rules.graph import Out, Segment, Source
from tenure.values.rules.spending import alike
from tenure.values.trace.record import RECORDER


class Asked:
    """Results of earlier traces that a gradient is asked for, by their numbers.

    ``seen`` counts the doubles of each trace or segment that were looked at; ``onward`` says of earlier results whether
    their gradient reaches what is asked for.
    """

    __slots__ = ("numbers", "onward", "seen")

    def __init__(self) -> None:
        self.numbers: dict[Out, list[int]] = {}
        self.seen: dict[Any, int] = {}
        self.onward: dict[tuple[Segment, int], bool] = {}

    def ask(self, xs: Sequence[Any]) -> None:
        """Note what is asked for."""
        for number, x in enumerate(xs):
            source = source_of(x) if x._trace is not RECORDER.trace else None
            if isinstance(source, Out):
                self.numbers.setdefault(source, []).append(number)

    def doubles(self, of: Any) -> Iterator[tuple[int, int]]:
        """New doubles in a trace or segment of what is asked for: slot and number."""
        known, self.seen[of] = self.seen.get(of, 0), len(of.twins)
        for slot, twin in islice(of.twins.items(), known, None) if self.numbers else ():
            out = twin()
            for number in () if out is None else self.numbers.get(out, ()):
                yield slot, number

    def leads(self, out: Out) -> bool:
        """Whether the gradient of an earlier result reaches what is asked for, as far as is known."""
        return out.segment is None or self.onward.get((out.segment, out.slot), True)

    def is_past(self, wanted: Iterable[tuple[Any, int]], number: float) -> bool:
        """Whether all that is asked for stands in units of that number or younger, and none of it behind older ones."""
        return all(getattr(of, "number", inf) >= number for of, _ in wanted)

    def find(
        self,
        met: Iterable[tuple[Segment, int]],
        source: Any,
        is_wanted: Callable[[Source], bool],
        wanted: Iterable[tuple[Any, int]],
    ) -> None:
        """Find which of some earlier results, with all those behind them, lead to what is asked for: ``wanted`` among
        the slots of units. ``source`` gives what is behind a source slot of a segment."""
        inside = dict[Any, set[int]]()
        for segment, slot in sorted(met, key=lambda at: (at[0].number, at[1])):
            of = segment if segment.trace is None else segment.trace
            if of not in inside:
                inside[of] = self.within(segment, wanted)
            behind = [source(segment, d) for d in paths.reached(segment.path, slot)]
            ends = (self.leads(s) if isinstance(s, Out) else s is None or is_wanted(s) for s in behind)
            here = bool(inside[of]) and not inside[of].isdisjoint(paths.ancestors(segment.path, [slot]))
            self.onward[segment, slot] = here or any(ends)

    def within(self, segment: Segment, wanted: Iterable[tuple[Any, int]]) -> set[int]:
        """Slots of a segment that are asked for, or are doubles of what is, in it or in others of its trace."""
        t = segment.trace
        same = [segment] if t is None else [segment, *alike(t)]
        held = [at for one in same for at in (*one.outs.items(), *one.twins.items())] if self.numbers else []
        found = {slot for slot, reference in held if reference() in self.numbers}
        return found if t is None else found.union([slot for of, slot in wanted if of is t])
