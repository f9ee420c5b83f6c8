"""Recorded steps other than the user's operations: marks, gradients, tangents, calls of programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any

from tenure.errors import GradientError
from tenure.ir import likes
from tenure.ir.aval import Aval
from tenure.ir.program import Program
from tenure.ops import promote
from tenure.ops.selection import settled
from tenure.values.grad import spent
from tenure.values.native.hits import apply, apply_one, coded, know, lay
from tenure.values.operations.creation import FILL
from tenure.values.rules import paths
from tenure.values.rules.depending import depending
from tenure.values.rules.expand import (
    expand_block,
    expand_call,
    expand_close,
    expand_gradient,
    expand_mark,
    expand_operation,
    expand_tangent,
    reached_stops,
)
from tenure.values.rules.graph import Leaf
from tenure.values.rules.grow import new_operation
from tenure.values.rules.inside import INSIDE, defect
from tenure.values.rules.levels import level_of
from tenure.values.rules.modes import MODE, current_mode
from tenure.values.rules.paths import ARGUMENT, BY_RULE, KEEPING, LEAF
from tenure.values.rules.reach import Reached, reached_alike
from tenure.values.rules.rows import count
from tenure.values.rules.rules import Key, Kind, Rule, kind_of
from tenure.values.rules.sites import here, site
from tenure.values.trace.record import RECORDER, rest
from tenure.values.trace.trace import Trace


@lru_cache(maxsize=4096)
def filling(aval: Aval) -> tuple[Any, ...]:
    """Parameters of ``FILL``."""
    return (("shape", aval.shape), ("dtype", aval.dtype))


def fill(aval: Aval, number: float) -> Any:
    """Tensor of one number."""
    return apply(FILL, (), filling(aval), (number,))


SETTLE = promote.Operation("settle", settled)


def settle(g: Any) -> Any:
    """Cotangent or tangent from outside as numbers: none of its elements is unselected."""
    return apply_one(SETTLE, g)


def ones(aval: Aval) -> Any:
    """Cotangent of a result by itself: ones."""
    return settle(fill(aval, 1))


class Hold:
    """Lock on a trace from the first operand bound to the end of the step: an interrupter records elsewhere."""

    __slots__ = ("trace",)

    def __init__(self, trace: Trace | None = None) -> None:
        self.trace: Trace = trace  # type: ignore[assignment]

    def __enter__(self) -> Trace:
        t = self.trace or RECORDER.trace
        if len(t.rules) >= t.limit and not (self.trace or t.busy):
            t = RECORDER.ready(t)
        while True:
            t = RECORDER.fresh() if t.busy else t
            t.busy = True
            if not t.done:
                self.trace = t
                return t
            t = RECORDER.trace  # a handler has run the trace between these lines

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        t = self.trace
        t.busy = kind is not None and not (issubclass(kind, Exception) and t.whole())
        if t.left and not t.busy:
            RECORDER.resume(t)


def enter(t: Trace) -> None:
    """Let a held trace record in the mode in force."""
    if MODE.get() is not t.mode:
        t.enter(current_mode())


def take(
    t: Trace, key: Key, args: Sequence[int], build: Callable[[], Rule], scalars: tuple[Any, ...] = ()
) -> tuple[Any, ...]:
    """Take a step in a held trace, and return its handles; ``build`` makes the rule of a key of kinds that is new."""
    enter(t)
    rule = t.mode.known.get(key)
    if rule is None:
        rule = t.mode.known.keep(made(t, build))
    return lay(t, rule, args, scalars)


def take_here(
    t: Trace, key: Key, args: Sequence[int], build: Callable[[], Rule], scalars: tuple[Any, ...] = ()
) -> tuple[Any, ...]:
    """Take a step whose rule depends on the path before it, as ``take``."""
    enter(t)
    path, key = t.point(), (*key, t.mode.grad)
    rule = path.own.get(key)
    if rule is None:
        rule = path.own.setdefault(key, made(t, build))
    return lay(t, rule, args, scalars)


def made(t: Trace, build: Callable[[], Rule]) -> Rule:
    """New rule; errors name the trace."""
    try:
        rule = build()
    except INSIDE as error:
        raise defect(error, t) from error
    count("rules")
    return rule


def kinds_of(t: Trace, slots: Sequence[int]) -> tuple[Kind, ...]:
    """Kinds of some slots of a trace."""
    handles, inputs = t.handles, t.inputs
    return tuple([handles[s]._kind if s >= 0 else inputs[~s]._kind for s in slots])


def any_tracked(kinds: Sequence[Kind]) -> bool:
    """Whether a gradient flows to one of them."""
    return any(kind.tracked for kind in kinds)


def slots_of(t: Trace, xs: Sequence[Any]) -> tuple[int, ...]:
    """Slots of some tensors in a trace."""
    return tuple(map(t.bind, xs))


def mark(x: Any, leaf: Leaf | None, upstream: Sequence[Any] = (), keeps: bool = False) -> Any:
    """Mark: the same value as a source of gradients: a leaf, the argument of a transform, or (with ``upstream``) the
    result of a custom rule, whose gradient goes on to those tensors by its rule, and ``keeps`` residuals for that."""
    return marked(x, leaf, upstream, keeps)[0]


def marked(x: Any, leaf: Leaf | None, upstream: Sequence[Any], keeps: bool) -> tuple[Any, tuple[int, ...]]:
    """``mark``, with the slots that it reads."""
    of = LEAF if leaf is not None else ARGUMENT if not upstream else KEEPING if keeps else BY_RULE
    operands = (x, *upstream)
    h = mark_result(expand_mark, operands, of) if upstream else new_mark(expand_mark, operands, of, leaf)
    h._held = True
    return h, slots_of(h._trace, operands)


def new_mark(step: Any, operands: tuple[Any, ...], of: int, leaf: Leaf | None = None) -> Any:
    """Row of a mark on a tensor, and on those that its gradient goes on to by a rule."""
    with Hold() as t:
        args = slots_of(t, operands)
        kinds = kinds_of(t, args)
        upstream = len(operands) > 1

        def build() -> Rule:
            tracked = any_tracked(kinds) if upstream else True
            kind = kind_of(kinds[0].aval, tracked, level_of(t, args))
            name = "CustomBackward0" if upstream else ""
            return Rule(key, step, arity=len(args), params=of, kinds=(kind,), name=name)

        key: Key = (step, *kinds, of) if upstream else (step, of, *kinds)
        (h,) = take(t, key, args, build)
        if leaf is not None:
            t.marks[h._slot] = leaf
    return h


@coded
def mark_result(step: Any, operands: tuple[Any, ...], of: int) -> Any:
    """``new_mark`` of a rule's result."""
    return new_mark(step, operands, of)


@coded
def mark_leaf(x: Any, leaf: Leaf) -> Any:
    """The same value as that of a leaf."""
    return mark(x, leaf)


@coded
def update(
    fn: promote.Operation, operands: list[Any], params: Any, scalars: tuple[Any, ...], places: list[Any]
) -> tuple[Any, ...]:
    """Update: an operation outside the graph on tensors and places that gives new values to places: one result for each
    of ``places``, which is the value of its leaf from now on."""
    leaves: list[Leaf | None] = [p._leaf for p in places]
    with Hold() as t:
        slots = slots_of(t, [x._read() for x in operands])
        kinds = kinds_of(t, slots)
        which = tuple([leaf is not None for leaf in leaves])
        key = (expand_operation, fn, *kinds, params, *which, *map(type, scalars))

        def build() -> Rule:
            numbers, sources = tuple(map(type, scalars)), tuple([k for k, leaf in enumerate(which) if leaf])
            rule = new_operation(key, fn, kinds, params, numbers, t.mode.grad, sources)
            rule.check(scalars)
            return rule

        handles = take(t, key, slots, build, scalars)
        for h, leaf in zip(handles, leaves, strict=True):
            if leaf is not None:
                t.marks[h._slot] = leaf
    return handles


def close(x: Any, marks: Sequence[Any], end: int | None = None) -> Any:
    """Result of a transform without its dependence on the transform's own marks, and on those of transforms in it,
    which lie before slot ``end`` if that is given."""
    with Hold() as t:
        slot = t.bind(x)
        hidden = frozenset(m._slot for m in marks if m._trace is t)
        key = (expand_close, slot, hidden, end)

        def build() -> Rule:
            params = (hidden, len(t.handles) if end is None else end)
            name = t.handles[slot]._rule.name if slot >= 0 else ""
            rule = Rule(key, expand_close, arity=1, params=params, name=name, grad=t.mode.grad)
            tracked = bool(paths.visible(paths.steps(t.path), rule, paths.reached(t.path, slot)))
            return rule.giving(kind_of(t.kind(slot).aval, tracked, level_of(t, (slot,))))

        return take_here(t, key, (slot,), build)[0]


def gradient(
    t: Trace,
    roots: tuple[tuple[int, int | None], ...],
    stops: tuple[int, ...],
    final: tuple[int, ...],
    into: tuple[int | None, ...],
    create_graph: bool,
    consume: bool,
    first: bool,
    key: Key | None = None,
    ends: bool = False,
) -> dict[int, Any]:
    """Cotangents, in a held trace, of those stops that the roots reach.

    ``roots`` pairs a slot with that of its cotangent (None: 1). The walk goes on behind stops that are not ``final``,
    but not with what is asked for if it ``ends`` there.

    The ``first`` step of a backward looks for consumed graphs, and with ``consume`` consumes its own, for all
    its steps.
    """
    consume = consume and first
    said = key or (expand_gradient, roots, stops, final, into, create_graph, consume, first, ends)
    args = operands_of(roots, into)

    def build() -> Rule:
        return gradient_rule(t, said, roots, stops, final, into, create_graph, consume, first, ends)

    handles = take_here(t, said, args, build)
    return dict(zip(t.rules[-1].params[4], handles, strict=True))


def operands_of(roots: tuple[tuple[int, int | None], ...], into: tuple[int | None, ...]) -> tuple[int, ...]:
    """Slots that a gradient reads."""
    return (*[r for r, _ in roots], *[g for _, g in roots if g is not None], *[a for a in into if a is not None])


def gradient_rule(
    t: Trace,
    key: Key,
    roots: tuple[tuple[int, int | None], ...],
    stops: tuple[int, ...],
    final: tuple[int, ...],
    into: tuple[int | None, ...],
    create_graph: bool,
    consume: bool,
    first: bool,
    ends: bool,
) -> Rule:
    """New rule of a ``gradient``, at the end of a held trace."""
    if first:
        spent.refuse(t, [r for r, _ in roots], stops, ends)
    args = operands_of(roots, into)
    graph, level = create_graph and any_tracked(kinds_of(t, args)), level_of(t, args)

    def find() -> Reached:
        if not graph or any(h.rule is not None for h in t.handlers.values()):  # rules tell by it what they cut off
            return tuple([(s, graph) for s in reached_stops(t.expanded(t.path), roots, stops)])
        tracked = [s for s in args[len(roots) :] if t.kind(s).tracked]
        return depending(t.expanded(t.path), (roots, stops, into, final), tracked)

    found = reached_alike(t.path, (roots, into, graph) if graph else roots, stops, find)
    reached = tuple([s for s, _ in found])
    kinds = tuple([kind_of(t.kind(s).aval, tracked, level) for s, tracked in found])
    params = (roots, stops, into, create_graph, reached, final, consume)
    more: Any = {"name": "GradBackward0", "grad": t.mode.grad, "consumes": consume}
    return Rule(key, expand_gradient, arity=len(args), params=params, kinds=kinds, **more)


def short_gradient(
    t: Trace, slot: int, deps: tuple[int, ...], into: tuple[int | None, ...], keep: bool
) -> dict[int, Any]:
    """``gradient`` of one number, with respect to all its sources: the cotangents of those that it reaches."""
    key = (expand_gradient, slot, keep, *into)
    return gradient(t, ((slot, None),), deps, deps, into, False, not keep, True, key)


def short_rule(t: Trace, deps: tuple[int, ...], key: Key) -> Rule:
    """New rule of a ``short_gradient`` with the key by which its path has it."""
    try:
        _, slot, keep, *into, _ = key
        more = (deps, deps, tuple(into), False, not keep, True, False)
        new = made(t, lambda: gradient_rule(t, key, ((slot, None),), *more))
        own = t.point().own
        rule: Rule = own.setdefault(key, new)
        likes.untracked(own, key, rule, rule.kinds, rule.params)
        return rule
    except Exception:
        rest(t)
        raise


know("short_rule", short_rule)


def tangent(outs: Sequence[Any], ins: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, ...]:
    """Tangents of ``outs`` where ``ins``, marked slots of this trace, have the given ones."""
    with Hold() as t:
        params = (slots_of(t, outs), slots_of(t, ins), slots_of(t, tangents))
        args = (*params[0], *params[2])
        key = (expand_tangent, *params)

        def build() -> Rule:
            refuse_rules(t, params[0], set(params[1]))
            tracked, level = any_tracked(kinds_of(t, args)), level_of(t, args)
            kinds = tuple([kind_of(t.kind(s).aval, tracked, level) for s in params[0]])
            return Rule(key, expand_tangent, arity=len(args), params=params, kinds=kinds, grad=t.mode.grad)

        return take_here(t, key, args, build)


def refuse_rules(t: Trace, outs: Sequence[int], ins: set[int]) -> None:
    """TN804 where a hook on gradients lies on the way of tangents, of which it says nothing."""
    made = paths.steps(t.path)
    for slot in paths.ancestors(t.path, outs, ins):
        step, _ = made[slot]
        if step.expand is expand_mark and len(step.args) > 1 and ins & set(paths.reached(t.path, slot)):
            raise GradientError(
                "forward mode meets a module with a backward hook",
                at=site(here()),
                help="use reverse mode (tn.vjp, tn.grad) with it",
            )


def block(t: Trace | None, begins: bool) -> Trace:
    """Begin or end of a checkpointed function in the trace where it began."""
    with Hold(t) as held:
        key = (expand_block, begins)
        take(held, key, (), lambda: Rule(key, expand_block, params=begins))
        return held


def call(program: Program, operands: Sequence[Any], numbers: tuple[Any, ...] = (), tracked: bool = False) -> Any:
    """Call of a program on tensors, and then numbers, as one step, which a ``tracked`` gradient goes through."""
    with Hold() as t:
        args = slots_of(t, operands)
        enter(t)
        kinds = kinds_of(t, args)
        types = tuple(map(type, numbers))
        key = (expand_call, program, tracked, *kinds, *types)
        known: Rule | None = t.mode.known.get(key)
        if known is not None:
            return lay(t, known, args, numbers)

        def build() -> Rule:
            flows, level = tracked and t.mode.grad and any_tracked(kinds), level_of(t, args)
            results = tuple([kind_of(program.aval(v), flows, level) for v in program.outputs])
            more: Any = {"kinds": results, "numbers": types, "name": "GradBackward0", "grad": t.mode.grad}
            rule = Rule(key, expand_call, arity=len(args), params=(program, tracked), **more)
            rule.flags = (*[kind.tracked for kind in kinds], *[False] * len(numbers))
            return rule

        return take(t, key, args, build, numbers)
