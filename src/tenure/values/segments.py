"""The adjoint of a trace that has run: a program, built once for each pattern of cotangents."""

from __future__ import annotations

from typing import Any

import numpy as np

from tenure.ir.aval import Aval
from tenure.ir.program import Program
from tenure.ir.verify import verify
from tenure.values import paths, steps
from tenure.values.creation import wrap
from tenure.values.graph import EXPECTED, Segment
from tenure.values.trie import Node

Cotangents = dict[int, Any]


class Adjoint:
    """The program and what feeds its inputs: (kind, slot or number, aval); ``found`` are the stops it reaches."""

    __slots__ = ("feeds", "found", "program")

    def __init__(
        self, node: Node, roots: tuple[int, ...], stops: tuple[int, ...], into: tuple[int, ...], saved: Any
    ) -> None:
        ex, given, found = paths.adjoint(node, roots, stops, into)
        feeds: dict[int, tuple[str, int]] = {}
        feeds.update({v.id: ("input", k) for k, v in enumerate(ex.inputs)})
        feeds.update({v.id: ("scalar", k) for k, v in enumerate(ex.scalars)})
        feeds.update({v: ("saved", v) for v in saved or ()})
        feeds.update({v.id: ("root", s) for s, v in zip(roots, given["roots"], strict=True)})
        feeds.update({v.id: ("into", s) for s, v in zip(into, given["into"], strict=True)})
        b = ex.builder
        outputs = [v.id for v in found.values()]
        used = sorted(b.reads(outputs, set(feeds)) & feeds.keys())
        self.program: Program = b.extract(used, outputs).shared()
        verify(self.program)
        self.feeds = [(*feeds[v], b.avals[v]) for v in used]
        self.found = tuple(found)


def segment_gradient(segment: Segment, cts: Cotangents, stops: tuple[int, ...], into: Cotangents) -> Cotangents:
    """Cotangents of those stops that the roots reach. A path learns here that a backward follows its run."""
    node = segment.node
    node.save = segment.used = EXPECTED["backward"] = True
    roots = tuple(sorted(cts))
    key = ("adjoint", roots, stops, tuple(into), segment.saved is not None)
    adjoint = node.plans.get(key)
    if adjoint is None:
        adjoint = node.plans[key] = Adjoint(node, roots, stops, tuple(into), segment.saved)
    operands = [_feed(segment, kind, k, aval, cts, into) for kind, k, aval in adjoint.feeds]
    return dict(zip(adjoint.found, steps.call(adjoint.program, operands), strict=True))


def _feed(segment: Segment, kind: str, k: int, aval: Aval, cts: Cotangents, into: Cotangents) -> Any:
    if kind == "root":
        return cts[k]
    if kind == "into":
        return into[k]
    if kind == "input":
        return wrap(segment.inputs[k]._data, aval)
    if kind == "scalar":
        return wrap(np.array(segment.scalars[k], aval.dtype.numpy), aval.with_shape(()))  # no number of a program
    assert segment.saved is not None
    return wrap(segment.saved[k], aval)
