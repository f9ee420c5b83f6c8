"""Results that were recorded once more: the gradient with respect to a result is that with respect to all its doubles.

A gradient that can be differentiated again is computed from doubles of what a run trace has left (``replay``), so what
is computed from it leads to the doubles, and not to the result that a program holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from tenure.values.grad.units import source_of
from tenure.values.rules.graph import Out
from tenure.values.trace.record import RECORDER


class Twins:
    """Results of earlier traces that a gradient is asked for, by their numbers; ``seen`` counts the doubles of each
    trace or segment that were looked at."""

    __slots__ = ("asked", "seen")

    def __init__(self) -> None:
        self.asked: dict[Out, list[int]] = {}
        self.seen: dict[Any, int] = {}

    def ask(self, xs: Sequence[Any]) -> None:
        """Note what is asked for."""
        for number, x in enumerate(xs):
            source = source_of(x) if x._trace is not RECORDER.trace else None
            if isinstance(source, Out):
                self.asked.setdefault(source, []).append(number)

    def among(self, of: Any) -> Iterator[tuple[int, int]]:
        """New doubles in a trace or segment of what is asked for: slot and number."""
        known, self.seen[of] = self.seen.get(of, 0), len(of.twins)
        for slot, twin in islice(of.twins.items(), known, None) if self.asked else ():
            out = twin()
            for number in () if out is None else self.asked.get(out, ()):
                yield slot, number
