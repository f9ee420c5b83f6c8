"""Recorded steps other than the user's operations: marks, gradients, tangents, calls of programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any

from tenure.errors import GradientError, UseAfterMove
from tenure.ir.aval import Aval
from tenure.ir.program import Program
from tenure.ops import promote
from tenure.ops.selection import settled
from tenure.values import paths, spending
from tenure.values.expand import (
    expand_block,
    expand_call,
    expand_close,
    expand_gradient,
    expand_mark,
    expand_operation,
    expand_tangent,
    reached_stops,
)
from tenure.values.graph import Leaf, Segment
from tenure.values.grow import new_operation
from tenure.values.hits import apply, apply_one, coded, seen
from tenure.values.inside import INSIDE, defect
from tenure.values.levels import level_of
from tenure.values.modes import MODE, current_mode
from tenure.values.record import RECORDER, Trace, cut
from tenure.values.sites import here, site, site_of, user_frame
from tenure.values.trie import Key, Node

FILL = promote.Operation("full", promote.filled)


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
        if t.node.cut and not (self.trace or t.busy):
            t = cut(t)
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


def take(t: Trace, key: Key, build: Callable[[], Node], scalars: tuple[Any, ...] = ()) -> tuple[Any, ...]:
    """Take a step in a held trace, and return its handles; ``build`` makes the node when it is new."""
    if MODE.get() is not t.mode:
        t.enter(current_mode())
    handles = seen(t, key, scalars)
    if handles is not None:
        return handles
    node = t.node.next.get(key)
    if node is None:
        try:
            node = t.add(build())
        except INSIDE as error:
            raise defect(error, t.node) from error
    if scalars:
        node.admit(scalars)
        t.scalars.extend(scalars)
    return t.settle(node, user_frame())


def slots_of(t: Trace, xs: Sequence[Any]) -> tuple[int, ...]:
    """Slots of some tensors in a trace."""
    return tuple([t.bind(x) for x in xs])


def mark(x: Any, leaf: Leaf | None, upstream: Sequence[Any] = (), keeps: bool = False) -> Any:
    """Mark: the same value as a source of gradients: a leaf, the argument of a transform, or (with ``upstream``) the
    result of a custom rule, whose gradient goes on to those tensors by its rule, and ``keeps`` residuals for that."""
    with Hold() as t:
        slot = t.bind(x)
        behind = slots_of(t, upstream) if upstream else ()
        key: Key = (expand_mark, slot, behind, leaf is None)
        if upstream:
            key = (expand_mark, slot, behind, keeps, True)

        def build() -> Node:
            level = level_of(t, (slot, *behind))
            above = {d for s in ((slot, *behind) if leaf is None else ()) for d in t.deps(s)}
            deps = tuple(sorted(above if upstream else above | {len(t.handles)}))
            avals = (t.aval(slot),)
            more: Any = {"params": keeps, "avals": avals, "depss": (deps,), "level": level}
            more["name"] = "CustomBackward0" if upstream else ""
            return Node(t.node, key, expand_mark, args=(slot, *behind), **more)

        (h,) = take(t, key, build)
        h._held = True
        if leaf is not None:
            t.marks[h._slot] = leaf
    return h


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
        kinds = tuple([leaf is not None for leaf in leaves])
        key = (expand_operation, fn, *slots, params, *kinds, *map(type, scalars))

        def build() -> Node:
            args = (*slots, *[None] * len(scalars))
            which = tuple([k for k, leaf in enumerate(kinds) if leaf])
            return new_operation(t, key, fn, args, params, scalars, which)

        handles = take(t, key, build, scalars)
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

        def build() -> Node:
            last = len(t.handles) if end is None else end
            inner = range(min(hidden, default=last), last)
            deps = tuple([d for d in t.deps(slot) if d not in inner or not is_argument(t.handles[d]._node)])
            name = t.handles[slot]._node.name if slot >= 0 else ""
            more: Any = {"args": (slot,), "avals": (t.aval(slot),), "name": name, "level": level_of(t, (slot,))}
            return Node(t.node, key, expand_close, depss=(deps,), **more)

        return take(t, key, build)[0]


def is_argument(node: Node) -> bool:
    """Whether a step marks the argument of a transform."""
    return node.expand is expand_mark and bool(node.key[-1])


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
    key = key or (expand_gradient, roots, stops, final, into, create_graph, consume, first, ends)

    def build() -> Node:
        if first:
            refuse_consumed(t, [r for r, _ in roots], stops if ends else ())
        reached = reached_stops(t.expanded(), roots, stops)
        given = [g for _, g in roots if g is not None] + [a for a in into if a is not None]
        args = (*[r for r, _ in roots], *given)
        deps = tuple(sorted({d for a in args for d in t.deps(a)})) if create_graph else ()
        return Node(
            t.node,
            key,
            expand_gradient,
            args=args,
            params=(roots, stops, into, create_graph, reached, final, consume),
            avals=tuple([t.aval(s) for s in reached]),
            depss=(deps,) * len(reached),
            name="GradBackward0",
            level=level_of(t, args),
        )

    handles = take(t, key, build)
    return dict(zip(t.node.params[4], handles, strict=True))


def short_gradient(
    t: Trace, root: Any, into: tuple[int | None, ...], keep: bool
) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """``gradient`` of one number, with respect to all its sources: the slots reached, and cotangents."""
    slot, deps = root._slot, root._deps
    key = (expand_gradient, slot, keep, *into)
    handles = seen(t, key, ()) if MODE.get() is t.mode else None
    if handles is None:
        handles = tuple(gradient(t, ((slot, None),), deps, deps, into, False, not keep, True, key).values())
    return t.node.params[4], handles


def refuse_consumed(t: Trace, roots: Sequence[int], halt: Sequence[int] = ()) -> None:
    """TN382 if a gradient of these results would walk a graph that an earlier backward has consumed."""
    spent = spending.consumed(t.node)
    hit = sorted(paths.ancestors(paths.steps(t.node), roots, halt) & spent.keys()) if spent else ()
    if hit:
        raise consumed_error(site(site_of(t, t.handles[spent[hit[-1]]])))


def refuse_spent(of: Trace | Segment, slot: int, halt: Sequence[int]) -> None:
    """TN382 if a gradient of a result would walk what a backward elsewhere has consumed: in another thread, or of a
    custom rule."""
    if isinstance(of, Segment):
        spent = spending.gone(of)
        hit = [slot] if slot in spent else []
    else:
        spent = of.spent
        hit = sorted(paths.ancestors(paths.steps(of.node), [slot], halt) & spent.keys()) if spent else []
    if hit:
        raise consumed_error(site(spent[hit[-1]]))


def consumed_error(first: Any) -> UseAfterMove:
    """TN382, with the line of the backward that consumed the graph."""
    return UseAfterMove(
        "this backward() walks a graph that an earlier backward() has consumed",
        at=site(here()),
        notes=[("consumed by this backward()", first)],
        help="keep the graph with backward(retain_graph=True), or cut it with .detach() where the steps meet",
    )


def tangent(outs: Sequence[Any], ins: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, ...]:
    """Tangents of ``outs`` where ``ins``, marked slots of this trace, have the given ones."""
    with Hold() as t:
        params = (slots_of(t, outs), slots_of(t, ins), slots_of(t, tangents))
        key = (expand_tangent, *params)

        def build() -> Node:
            refuse_rules(t, params[0], set(params[1]))
            args = (*params[0], *params[2])
            deps = tuple(sorted({d for a in args for d in t.deps(a)}))
            avals = tuple([t.aval(s) for s in params[0]])
            more: Any = {"avals": avals, "depss": (deps,) * len(avals), "level": level_of(t, args)}
            return Node(t.node, key, expand_tangent, args=args, params=params, **more)

        return take(t, key, build)


def refuse_rules(t: Trace, outs: Sequence[int], ins: set[int]) -> None:
    """TN804 where a hook on gradients lies on the way of tangents, of which it says nothing."""
    made = paths.steps(t.node)
    for slot in paths.ancestors(made, outs, ins):
        node, k = made[slot]
        if node.expand is expand_mark and len(node.args) > 1 and ins & set(node.depss[k]):
            raise GradientError(
                "forward mode meets a module with a backward hook",
                at=site(here()),
                help="use reverse mode (tn.vjp, tn.grad) with it",
            )


def block(t: Trace | None, begins: bool) -> Trace:
    """Begin or end of a checkpointed function in the trace where it began."""
    with Hold(t) as held:
        key = (expand_block, begins)
        take(held, key, lambda: Node(held.node, key, expand_block, params=begins))
        return held


def call(program: Program, operands: Sequence[Any], numbers: tuple[Any, ...] = (), tracked: bool = False) -> Any:
    """Call of a program on tensors, and then numbers, as one step, which a ``tracked`` gradient goes through."""
    with Hold() as t:
        args = slots_of(t, operands)
        key = (expand_call, program, args, tracked)

        def build() -> Node:
            avals = tuple([program.aval(v) for v in program.outputs])
            deps = tuple(sorted({d for a in args for d in t.deps(a)})) if tracked and t.mode.grad else ()
            more: Any = {"avals": avals, "depss": (deps,) * len(avals), "level": level_of(t, args), "scalars": numbers}
            more["name"] = "GradBackward0"
            node = Node(t.node, key, expand_call, args=(*args, *[None] * len(numbers)), params=program, **more)
            for k in range(len(numbers)):
                node.generalize(k)  # the program takes them for inputs
            return node

        return take(t, key, build, numbers)
