"""Cotangents and tangents of the trace of a transform.

A rule given by hand says how a cotangent goes back. Where a tangent meets its result, the rule is applied to a symbol
u, whose cotangents of the inputs are linear in u; the transpose of that map carries tangents forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.errors import GradientError, VmapError
from tenure.func.vectorize import vmap
from tenure.values.grad import steps
from tenure.values.grad.backward import Walk
from tenure.values.grad.handlers import Handler
from tenure.values.grad.roots import run_walk
from tenure.values.grad.units import source_of
from tenure.values.rules import paths
from tenure.values.rules.graph import Out
from tenure.values.rules.levels import is_open
from tenure.values.rules.modes import enable_grad
from tenure.values.rules.sites import here, site
from tenure.values.trace.handles import standing
from tenure.values.trace.record import RECORDER


def pulled(
    outs: Sequence[Any], cotangents: Sequence[Any], marks: Sequence[Any], create: bool, *, raw: bool = False
) -> list[Any]:
    """The cotangents of the marks; zeros where nothing depends on them. In ``raw`` ones −0.0 is an element that is not
    selected."""
    live = [(y, g) for y, g in zip(outs, cotangents, strict=True) if y._kind.tracked]
    walk = Walk(create, consume=False, accumulate=False)
    walk.final = True
    run_walk(walk, [y for y, _ in live], [g for _, g in live], marks, raw=raw)
    return [walk.found[k] if k in walk.found else steps.fill(m._aval, 0) for k, m in enumerate(marks)]


def pushed(outs: Sequence[Any], ins: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, ...]:
    """Tangents of ``outs`` where ``ins``, marks of a transform in progress, have the given ones."""
    ins, tangents = list(ins), list(tangents)
    t = RECORDER.trace
    refuse_elsewhere(t, outs, ins)
    for slot in by_hand(t, outs, ins):
        refuse_of_one(t, slot)
        handler, result = t.handlers[slot], standing(t, slot)
        inputs = [standing(t, s) for s in handler.inputs]
        given = steps.tangent(inputs, ins, tangents)
        if handler.refuse is None:
            moved = transposed(handler, result, given)
        else:
            sources = {x._slot for x in ins}
            if any(sources.intersection(t.deps(s)) for s in handler.inputs[1:]):
                raise handler.refuse()
            moved = given[0]
        ins, tangents = [*ins, result], [*tangents, moved]
    return steps.tangent(outs, ins, tangents)


def refuse_elsewhere(t: Any, outs: Sequence[Any], ins: Sequence[Any]) -> None:
    """TN804 where another thread has computed what lies between some marks and results, and has no tangent."""
    marks = {x._slot for x in ins}
    inputs = [t.inputs[~d] for slot in steps.slots_of(t, outs) for d in t.deps(slot) if d < 0]
    todo, seen = [source_of(x) for x in inputs], set[Any]()
    while todo:
        out = todo.pop()
        if not isinstance(out, Out) or out in seen or out.segment is None:
            continue
        seen.add(out)
        segment = out.segment
        behind = paths.reached(segment.path, out.slot)
        if segment.trace is t and not marks.isdisjoint({out.slot, *behind}):
            raise GradientError(
                "forward mode meets a value that another thread has computed",
                at=site(here()),
                help="compute it in the thread of the transform, or use reverse mode (tn.vjp, tn.grad) with it",
            )
        todo.extend([segment.sources.get(d) for d in behind])


def refuse_of_one(t: Any, slot: int) -> None:
    """TN804 where a rule's result is that of one example of a vmapped call which has returned."""
    level = t.kind(slot).level
    if level is not None and not is_open(level, t.open):
        raise GradientError(
            "forward mode meets a custom rule inside a vmapped function, within another transform there",
            at=site(here()),
            help="call the function in a loop over the examples, or use reverse mode (tn.vjp, tn.grad) with it",
        )


def by_hand(t: Any, outs: Sequence[Any], ins: Sequence[Any]) -> list[int]:
    """The results of rules on the way from some marks to some results, in order."""
    rules = {s for s, handler in t.handlers.items() if handler.residuals is not None or handler.refuse is not None}
    if not rules:
        return []
    sources = {x._slot for x in ins}
    behind = paths.ancestors(t.point(), steps.slots_of(t, outs), sources)
    return sorted(slot for slot in rules & behind if sources.intersection(t.deps(slot)))


def transposed(handler: Handler, result: Any, tangents: Sequence[Any]) -> Any:
    """The tangent of a rule's result, by those of its inputs."""

    def forth(u: Any) -> list[Any]:
        found = zip(handler.cotangents(u, RECORDER.trace), tangents, strict=True)
        pairs = [(g, t) for g, t in found if g is not None and g._kind.tracked]
        return pulled([g for g, _ in pairs], [t for _, t in pairs], [u], True)

    def back(u: Any) -> Any:
        u = steps.mark(u, None)
        (out,) = enable_grad().apply(forth, u)
        if reads(RECORDER.trace, out, u):
            raise nonlinear()
        return steps.close(out, [u])

    try:
        wide = vmap(back, randomness="same")(steps.ones(result._aval)[None])  # one example: its value cannot be read
    except VmapError as error:
        raise nonlinear() from error
    return wide[0]


def nonlinear() -> GradientError:
    """TN804: a rule that says of one cotangent something else than of its parts has no transpose."""
    return GradientError(
        "forward mode meets a custom_vjp rule that is not linear in its cotangent, or reads its value",
        at=site(here()),
        help="use reverse mode (tn.vjp, tn.grad) with it",
    )


def reads(t: Any, out: Any, u: Any) -> bool:
    """Whether a value is computed from another, found once."""
    ends = steps.slots_of(t, [out, u])
    path = t.point()
    found: bool | None = path.plans.get(("reads", ends))
    if found is None:
        ex = t.expanded(path)
        value, symbol = (ex[slot].id for slot in ends)
        found = path.plans["reads", ends] = symbol in ex.builder.reads([value], set(range(symbol + 1)))
    return found
