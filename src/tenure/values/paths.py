"""Static analysis of recorded paths: the ancestors of a result, and the residuals of its adjoint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tenure.dtypes import DType
from tenure.ir.applications import Application, Bounded
from tenure.ir.aval import Aval
from tenure.ir.kind import Cost
from tenure.ir.primitive import UNSIGNED
from tenure.ir.program import Value, filled
from tenure.transform.vjp import pull_back
from tenure.values.expand import Expansion, expand_mark
from tenure.values.graph import Source
from tenure.values.trie import GENERAL, Node


def steps(node: Node) -> list[tuple[Node, int]]:
    """Step of each result slot of the path, and the result's index within the step."""
    if node.made is None:
        node.made = [(step, k) for step in node.path() for k in range(len(step.avals))]
    return node.made


def ancestors(made: Sequence[tuple[Node, int]], slots: Iterable[int], halt: Iterable[int] = ()) -> set[int]:
    """Differentiable ancestors of some slots, these included; the walk ends at ``halt``."""
    stop = set(halt)
    found: set[int] = set()
    stack = [s for s in slots if s >= 0]
    while stack:
        slot = stack.pop()
        if slot in found or slot in stop:
            continue
        step, k = made[slot]
        if step.depss[k]:
            found.add(slot)
            stack.extend([a for a in step.args if a is not None and a >= 0])
    return found


def behind(node: Node, slot: int) -> set[int]:
    """Ancestors of a result, itself included."""
    made = steps(node)
    found: set[int] = set()
    stack = [slot]
    while stack:
        s = stack.pop()
        if s >= 0 and s not in found:
            found.add(s)
            stack.extend([a for a in made[s][0].args if a is not None])
    return found


def is_mark(step: Node, k: int) -> bool:
    """Whether differentiation may end at a result of a step."""
    return step.expand is expand_mark or k in step.leaves


def mark_slots(node: Node) -> list[int]:
    """Result slots at which differentiation may end."""
    return [s for s, (step, k) in enumerate(steps(node)) if is_mark(step, k)]


def leaf_slots(node: Node) -> list[int]:
    """Marks that are leaves, cached: the key of their step says so."""
    found: list[int] | None = node.plans.get("leaves")
    if found is None:
        made = steps(node)
        found = [s for s in mark_slots(node) if made[s][0].expand is not expand_mark or not made[s][0].key[-1]]
        node.plans["leaves"] = found
    return found


def source_slots(node: Node) -> list[int]:
    """Slots where a gradient may leave this path: tracked inputs and marks."""
    inputs = [step for step in node.path() if not step.avals and isinstance(step.key[0], Aval)]
    return [~k for k, step in enumerate(inputs) if step.params[1]] + mark_slots(node)


def sources(t: Any, node: Node | None = None) -> dict[int, Source]:
    """Sources of a trace by slot: leaves and results of earlier traces that its gradient goes on to."""
    n = len(t.inputs) if node is None else node.inputs
    out: dict[int, Source] = {~k: x._src for k, x in enumerate(t.inputs[:n]) if x._deps}
    out.update({slot: leaf for slot, leaf in t.marks.items() if node is None or slot < node.results})
    return out


def adjoint(
    ex: Expansion,
    roots: Sequence[int],
    stops: Sequence[int],
    into: Sequence[int],
    final: Sequence[int] = (),
    numbers: Sequence[int] = (),
) -> tuple[dict[str, list[Value]], dict[int, Value]]:
    """Add the cotangents of ``stops`` to a path's primitives, with new inputs for the rest; the walk ends at the
    ``final`` ones. All elements of the cotangents of ``numbers`` are selected."""
    b = ex.builder
    b.tracking = False
    given = {
        "roots": [b.input(ex[s].aval) for s in roots],
        "into": [b.input(ex[s].aval) for s in into],
    }
    held: dict[int, Value] = {}
    for s, g in zip(roots, given["roots"], strict=True):
        held[ex[s].id] = g
        if s in numbers:
            b.zeros[g.id] = UNSIGNED
    accumulators = {ex[s].id: a for s, a in zip(into, given["into"], strict=True)}
    found = pull_back(b, held, {ex[s].id for s in stops}, accumulators, {ex[s].id for s in final})
    return given, {s: found[ex[s].id] for s in stops if ex[s].id in found}


def residuals(
    node: Node, roots: tuple[int, ...], lasting: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Residuals of a path: the numbers of computed values, and the inputs that its adjoint reads.

    Parts and views of ``lasting`` inputs, which outlive the path, are not saved, but the inputs kept.
    """
    ex = Expansion().advance(node)
    n = len(ex.builder.avals)
    rules = [step for step in node.path() if step.expand is expand_mark and step.level is None]
    by_hand = [s for step in rules for s in step.args[1:] if s is not None]
    given, found = adjoint(ex, sorted({*roots, *by_hand}), source_slots(node), ())
    b = ex.builder
    outputs = [v.id for v in found.values()]
    reads = {v for v in outputs if v < n}
    for v in b.needed(outputs, {v.id for v in given["roots"]} | set(range(n))):
        reads.update([o for o in b.operands[v] if o < n])
    again = {v.id for v in [*[ex.inputs[k] for k in lasting], *ex.scalars]}
    for v in range(n):
        at, operands = b.made(v), b.operands[v]
        if at is not None and operands and at.primitive.lower.cost is Cost.FREE and again.issuperset(operands):
            again.add(v)
    saved = tuple(sorted([v for v in reads if b.operands[v] and v not in again]))
    remade = b.needed(outputs, {v.id for v in given["roots"]} | set(saved))
    kept = tuple([k for k, x in enumerate(ex.inputs) if x.id in reads or x.id in remade])
    return saved, kept


def literals(node: Node, ex: Expansion) -> tuple[dict[int, Application], list[tuple[Node, int]]]:
    """Scalars that are still specialized, as constants, and their positions; their nodes note the ends that rely on
    them."""
    out: dict[int, Application] = {}
    places: list[tuple[Node, int]] = []
    scalars = iter(ex.scalars)
    for step in node.path():
        for k, (value, scalar) in enumerate(zip(list(step.fixed), scalars, strict=False)):
            if value is not GENERAL:
                out[scalar.id] = literal(value, scalar.dtype)
                places.append((step, k))
                step.baked[node] = None
    return out, places


def literal(value: Any, dtype: DType) -> Application:
    """A specialized number as a constant; it is neither NaN nor a zero that has a sign."""
    key = (type(value), value, dtype)
    found: Application | None = LITERALS.get(key)
    return LITERALS.keep(key, filled((), value, dtype)) if found is None else found


LITERALS = Bounded()


def outdated(baked: Sequence[tuple[Node, int]]) -> bool:
    """Whether a number that a program took for a constant has differed since, in another thread."""
    return any(step.fixed[k] is GENERAL for step, k in baked)
