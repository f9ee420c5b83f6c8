"""Adjoint of a run trace: a program, built once for each pattern of cotangents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from tenure.ir.primitive import UNSIGNED
from tenure.ir.program import Program
from tenure.ir.verify import verified
from tenure.ops import pointwise
from tenure.ops.selection import zeros_of
from tenure.values.grad import spent, steps
from tenure.values.native.hits import coded
from tenure.values.operations.creation import standing
from tenure.values.rules import packs, paths
from tenure.values.rules.expand import Expansion
from tenure.values.rules.graph import Segment
from tenure.values.rules.rows import Path
from tenure.values.rules.rules import Kind, kind_of
from tenure.values.rules.sites import site

Cotangents = dict[int, Any]
Feeds = tuple[tuple[int, Any, Kind], ...]
ROOT, INTO, INPUT, SAVED = range(4)
"""Kinds of operands of an adjoint: cotangents, sums so far, inputs of the run, values saved of it."""


class Adjoint:
    """Adjoint program and the ``feeds`` of its inputs (one of ``ROOT`` … ``SAVED``, its slot or name, a kind), then the
    ``numbers`` of the run. It reads the first ``inputs`` of the segment at most, and ``residuals`` or none.

    ``found`` are the stops it reaches, those in ``selected`` in all their elements, ``baked`` the numbers that it took
    for constants.
    """

    __slots__ = ("baked", "feeds", "found", "inputs", "numbers", "program", "residuals", "selected")

    def __init__(
        self,
        path: Path,
        roots: tuple[int, ...],
        stops: tuple[int, ...],
        final: tuple[int, ...],
        numbers: tuple[int, ...],
        into: tuple[int, ...],
        saved: Sequence[packs.Saved],
    ) -> None:
        feeds: dict[int, tuple[int, Any]] = {}
        ex, parts = _with_saved(path, saved, feeds)
        given, found = paths.adjoint(ex, roots, stops, into, final, numbers)
        feeds.update({v: (INPUT, k) for k, v in enumerate(ex.inputs)})
        feeds.update({v.id: (ROOT, s) for s, v in zip(roots, given["roots"], strict=True)})
        feeds.update({v.id: (INTO, s) for s, v in zip(into, given["into"], strict=True)})
        b = ex.builder
        for v, part in parts.items():
            b.applications[v], b.operands[v], b.origins[v] = b.applications[part], b.operands[part], b.origins[part]
        literals, self.baked = paths.literals(path, ex)
        scalars = {v: k for k, v in enumerate(ex.scalars) if v not in literals}
        outputs = [v.id for v in found.values()]
        reads = b.reads(outputs, {*feeds, *scalars})
        used, counted = sorted(reads & feeds.keys()), sorted(reads & scalars.keys())
        self.program: Program = verified(b.extract([*used, *counted], outputs, literals).shared())
        self.feeds: Feeds = tuple([(*feeds[v], kind_of(b.avals[v])) for v in used])
        self.inputs = max([k + 1 for of, k, _ in self.feeds if of == INPUT], default=0)
        self.residuals = any(of == SAVED for of, _, _ in self.feeds)
        self.numbers = [scalars[v] for v in counted]
        self.found = tuple(found)
        self.selected = {s for s, v in found.items() if zeros_of(v) == UNSIGNED}


def _with_saved(
    path: Path, saved: Sequence[packs.Saved], feeds: dict[int, tuple[int, Any]]
) -> tuple[Expansion, dict[int, int]]:
    """Primitives of a path on its saved values, and the substitutes of the saved ones."""
    ex = Expansion()
    b = ex.builder
    avals = Expansion().advance(path).builder.avals
    parts: dict[int, int] = {}
    for what in saved:
        if isinstance(what, tuple):
            whole, found = packs.unpack(b, what, avals)
            feeds[whole.id] = (SAVED, what)
            parts.update({v: pointwise.mark(part).id for v, part in zip(what, found, strict=True)})
    shift = len(b.avals)
    ex.advance(path)
    feeds.update({v + shift: (SAVED, v) for v in saved if isinstance(v, int)})
    return ex, {v + shift: part for v, part in parts.items()}


def segment_gradient(
    segment: Segment,
    cts: Cotangents,
    stops: tuple[int, ...],
    final: tuple[int, ...],
    numbers: Collection[int],
    into: Cotangents,
    tracked: bool,
) -> tuple[Cotangents, Collection[int]]:
    """Cotangents of those stops that the roots reach, and the stops with all elements selected, as in those of
    ``numbers``; differentiable if ``tracked``. A path learns here that a backward follows its run."""
    path = segment.path
    segment.use()
    roots = tuple(sorted(cts))
    inputs, saved = segment.inputs, segment.saved
    adjoint = adjoint_of(path, (roots, stops, final, tuple(sorted(numbers)), tuple(into), tuple(saved or ())))
    if len(inputs) < adjoint.inputs or (adjoint.residuals and not saved):
        raise spent.error(site(segment.consumed()))  # by another thread, meanwhile
    scalars = tuple([segment.scalars[k] for k in adjoint.numbers]) if adjoint.numbers else ()
    given: Any = (cts, into, inputs, saved)
    found: Any = feed(adjoint.feeds, given) if tracked else pull(adjoint.program, adjoint.feeds, given, scalars)
    if type(found) is list:
        found = steps.call(adjoint.program, found, scalars, tracked)
    return dict(zip(adjoint.found, found, strict=True)), adjoint.selected


def feed(feeds: Feeds, given: Any) -> list[Any]:
    """Operands of an adjoint: cotangents, and arrays of the run as values."""
    return [given[of][k] if of < INPUT else standing(_array(given[of][k]), kind) for of, k, kind in feeds]


def _array(x: Any) -> Any:
    return getattr(x, "_data", x)


@coded
def pull(program: Program, feeds: Feeds, given: Any, scalars: tuple[Any, ...]) -> tuple[Any, ...] | list[Any]:
    """Results of an adjoint, as a step whose rule is known, a tuple; its operands, a list, if it is new, or where there
    are no builtins."""
    return feed(feeds, given)


def adjoint_of(path: Path, about: tuple[Any, ...]) -> Adjoint:
    """Adjoint of a path for some roots, stops, accumulators and residuals."""
    key = ("adjoint", *about)
    while True:
        found: Adjoint | None = path.plans.get(key)
        if found is not None:
            return found
        made = Adjoint(path, *about)
        if paths.keep(path, {key: made}, made.baked):
            return made
