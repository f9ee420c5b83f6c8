"""Segments recorded once more: how a backward walks what was read before it, at first sight.

    y = f(w); y.item(); y.backward()        records f once more, and its gradient behind it

A structure that is seen once is likely never seen again. So its run saves nothing, no adjoint program is made of it,
and its values are computed once more together with the gradient. What comes again has a program that saves residuals,
and an adjoint (``segments``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tenure.values.grad import steps
from tenure.values.native.hits import repeated
from tenure.values.operations.creation import standing
from tenure.values.rules.expand import expand_operation
from tenure.values.rules.graph import Out, Segment
from tenure.values.rules.rules import Rule, Slots
from tenure.values.trace.trace import Trace

Row = tuple[Rule, Slots, int, int]
"""A rule, the slots that it reads, its first result, and the place of its first number."""

REOPENED = "reopened"
"""Key of what a path has that a backward has come through so, among its plans."""


def rows_behind(segment: Segment, roots: Iterable[int]) -> list[Row] | None:
    """The rows of a segment that some results are computed by, in their order; leaves and inputs are given. None, if
    one of them means something else elsewhere."""
    rows = [row for block in segment.path.blocks() for row in block.rows_of()]
    needed, values = set(roots), segment.values
    first, scalar, found = segment.path.results, segment.path.scalars, list[Row]()
    for rule, args in reversed(rows):
        first, scalar = first - len(rule.kinds), scalar - len(rule.numbers)
        if first not in needed if rule.kind else needed.isdisjoint(range(first, first + len(rule.kinds))):
            continue
        if rule.expand is not expand_operation or rule.leaves or rule.level is not None:
            return None
        found.append((rule, args, first, scalar))
        needed.update([s for s in args if s not in values] if values else args)
    found.reverse()
    return found


class Part:
    """A segment's rows, with what they read of it: a backward that consumes it may come before they are recorded."""

    __slots__ = ("inputs", "rows", "segment", "values")

    def __init__(self, segment: Segment, rows: list[Row]) -> None:
        self.segment, self.rows = segment, rows
        self.inputs, self.values = segment.inputs, segment.values


class Reopened:
    """Tensors that stand for the inputs of the segments that a backward records once more."""

    __slots__ = ("standing",)

    def __init__(self) -> None:
        self.standing: dict[int, Any] = {}

    def rows(self, segment: Segment, roots: Iterable[int]) -> list[Row] | None:
        """The rows to be recorded once more; None unless the segment's path has been run once, and no backward has come
        through it."""
        path = segment.path
        if not segment.first or segment.saved is not None or segment.handlers or segment.trace is not None:
            return None
        if REOPENED in path.plans or len(segment.inputs) != path.inputs:
            return None
        path.plans[REOPENED] = True
        return rows_behind(segment, roots)

    def gradient(
        self,
        segment: Segment,
        rows: list[Row],
        cts: dict[int, Any],
        stops: Sequence[int],
        final: Sequence[int],
        into: dict[int, Any],
    ) -> dict[int, Any]:
        """Cotangents of those stops that the roots reach, by the rows behind the roots."""
        segment.use()
        part = Part(segment, rows)
        with steps.Hold() as t:
            at = self.laid(t, part, {})
            roots = tuple([(at[r], t.bind(g)) for r, g in cts.items()])
            slots = tuple([t.bind(into[s]) if s in into else None for s in stops])
            mine, ends = ([at[s] if s in at else self.bound(t, part, s) for s in some] for some in (stops, final))
            found = steps.gradient(t, roots, tuple(mine), tuple(ends), slots, False, False, False)
            return {s: found[k] for s, k in zip(stops, mine, strict=True) if k in found}

    def laid(self, t: Trace, part: Part, others: dict[Segment, dict[int, int]]) -> dict[int, int]:
        """Append rows of a segment to a held trace; the slots there of what they read and give. What they read of
        ``others`` is given by the slots of these."""
        segment, rows, at = part.segment, part.rows, dict[int, int]()
        for s in {s for _, args, _, _ in rows for s in args if s < 0}:
            source = segment.sources.get(s) if others else None
            known = others.get(source.segment) if type(source) is Out else None  # type: ignore[arg-type]
            slot = None if known is None else known.get(source.slot)  # type: ignore[union-attr]
            at[s] = self.bound(t, part, s) if slot is None else slot
        at.update([(s, self.bound(t, part, s)) for s in part.values])
        number = len(t.handles)
        for rule, args, first, scalar in rows:
            t.slots += [at[s] for s in args]
            for k in range(len(rule.kinds)):
                at[first + k] = number
                number += 1
            if rule.numbers:
                t.scalars += segment.scalars[scalar : scalar + len(rule.numbers)]
        rules = [rule for rule, _, _, _ in rows]
        t.rules += rules
        repeated(t, rules)
        return at

    def bound(self, t: Trace, part: Part, slot: int) -> int:
        """Slot of what stands for an input of a segment, or a leaf in it: its value as it was, whatever has become of
        the tensor since."""
        x = part.inputs[~slot] if slot < 0 else part.values[slot]
        found = self.standing.get(id(x))
        if found is None:
            found = self.standing[id(x)] = standing(x._data, x._kind)
        return t.bind(found)
