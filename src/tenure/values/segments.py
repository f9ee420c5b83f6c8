"""The adjoint of a trace that has run: a program, built once for each pattern of cotangents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.ir.program import Instruction, Program
from tenure.ir.verify import verify
from tenure.ops import pointwise
from tenure.values import packs, paths, steps
from tenure.values.creation import wrap
from tenure.values.expand import Expansion
from tenure.values.graph import Segment
from tenure.values.trie import Node

Cotangents = dict[int, Any]


class Adjoint:
    """The program and what feeds its inputs: (kind, slot or name, aval), then the ``numbers`` of the run.

    ``found`` are the stops it reaches, ``baked`` the numbers that it took for constants.
    """

    __slots__ = ("baked", "feeds", "found", "numbers", "program")

    def __init__(
        self,
        node: Node,
        roots: tuple[int, ...],
        stops: tuple[int, ...],
        into: tuple[int, ...],
        saved: Sequence[packs.Saved],
    ) -> None:
        feeds: dict[int, tuple[str, Any]] = {}
        ex, parts = _with_saved(node, saved, feeds)
        given, found = paths.adjoint(ex, roots, stops, into)
        feeds.update({v.id: ("input", k) for k, v in enumerate(ex.inputs)})
        feeds.update({v.id: ("root", s) for s, v in zip(roots, given["roots"], strict=True)})
        feeds.update({v.id: ("into", s) for s, v in zip(into, given["into"], strict=True)})
        b = ex.builder
        for v, part in parts.items():
            b.instructions[v] = part
        literals, self.baked = paths.literals(node, ex)
        numbers = {v.id: k for k, v in enumerate(ex.scalars) if v.id not in literals}
        outputs = [v.id for v in found.values()]
        reads = b.reads(outputs, {*feeds, *numbers})
        used, counted = sorted(reads & feeds.keys()), sorted(reads & numbers.keys())
        self.program: Program = b.extract([*used, *counted], outputs, literals).shared()
        verify(self.program)
        self.feeds = [(*feeds[v], b.avals[v]) for v in used]
        self.numbers = [numbers[v] for v in counted]
        self.found = tuple(found)


def _with_saved(
    node: Node, saved: Sequence[packs.Saved], feeds: dict[int, tuple[str, Any]]
) -> tuple[Expansion, dict[int, Instruction | None]]:
    """A path's primitives behind the parts of what was saved, and what is to stand for those that were."""
    ex = Expansion()
    b = ex.builder
    avals = Expansion().advance(node).builder.avals
    parts: dict[int, Instruction | None] = {}
    for what in saved:
        if isinstance(what, tuple):
            whole, found = packs.unpack(b, what, avals)
            feeds[whole.id] = ("saved", what)
            parts.update({v: b.instructions[pointwise.mark(part).id] for v, part in zip(what, found, strict=True)})
    shift = len(b.avals)
    ex.advance(node)
    feeds.update({v + shift: ("saved", v) for v in saved if isinstance(v, int)})
    return ex, {v + shift: part for v, part in parts.items()}


def segment_gradient(segment: Segment, cts: Cotangents, stops: tuple[int, ...], into: Cotangents) -> Cotangents:
    """Cotangents of those stops that the roots reach. A path learns here that a backward follows its run."""
    node = segment.node
    segment.use()
    roots = tuple(sorted(cts))
    adjoint = adjoint_of(node, (roots, stops, tuple(into), tuple(segment.saved or ())))
    operands = [_feed(segment, kind, k, aval, cts, into) for kind, k, aval in adjoint.feeds]
    numbers = tuple([segment.scalars[k] for k in adjoint.numbers])
    return dict(zip(adjoint.found, steps.call(adjoint.program, operands, numbers), strict=True))


def adjoint_of(node: Node, about: tuple[Any, ...]) -> Adjoint:
    """The adjoint of a path for some roots, stops, accumulators and residuals."""
    key = ("adjoint", *about)
    while True:
        found: Adjoint | None = node.plans.get(key)
        if found is not None:
            return found
        made = Adjoint(node, *about)
        node.plans[key] = made
        if paths.outdated(made.baked):
            node.plans.clear()


def _feed(segment: Segment, kind: str, k: Any, aval: Any, cts: Cotangents, into: Cotangents) -> Any:
    if kind == "root":
        return cts[k]
    if kind == "into":
        return into[k]
    if kind == "input":
        return wrap(segment.inputs[k]._data, aval)
    assert segment.saved is not None
    return wrap(segment.saved[k], aval)
