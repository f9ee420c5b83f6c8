"""Nodes for new operations: results by abstract evaluation, once for the kinds of operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tenure.errors import following
from tenure.ir.aval import Aval
from tenure.ir.templates import Flags, Recipe, Symbols, Template, recipe, run
from tenure.ir.traits import Limit
from tenure.ops.pointwise import DIVISOR
from tenure.ops.promote import Operation
from tenure.values.expand import WEAK, expand_operation
from tenure.values.levels import level_of
from tenure.values.trie import DIVIDES, INT64, Bound, Key, Node, out_of_bounds, within

PRIMITIVES = 2
"""Average number of primitives in an operation."""


class Known(NamedTuple):
    """Facts of an operation that follow from the kinds of its operands: the results, whether a gradient flows to each,
    the number of primitives, and the bounds of the Python numbers."""

    avals: tuple[Aval, ...]
    tracked: tuple[bool, ...]
    size: int
    bounds: tuple[Bound | None, ...]


class Inputs(Symbols):
    """Symbols that are inputs: an operation may look at how they were made."""

    __slots__ = ()

    def made(self, v: int) -> Any:
        return self.applications[v]


def new_operation(
    t: Any,
    key: Key,
    fn: Operation,
    args: tuple[Any, ...],
    params: Any,
    scalars: tuple[Any, ...],
    leaves: tuple[int, ...] = (),
) -> Node:
    """Node of a new operation, checked, with the avals of its results."""
    level = level_of(t, args)
    avals, depss = operands_of(t, args, scalars)
    flags = (t.mode.grad, *map(bool, depss))
    found = recipe(fn, params, avals)
    numbers = tuple([k for k, slot in enumerate(args) if slot is None]) if scalars else ()
    known = found.notes.get((flags, numbers)) or known_of(found, flags, numbers)
    for s, bound in zip(scalars, known.bounds, strict=True):
        if bound is not None and not within(s, bound):
            raise out_of_bounds(s, bound)
    deps = joined(depss)
    node = Node(
        t.node,
        key,
        expand_operation,
        args=args,
        params=(fn, params),
        avals=known.avals,
        depss=tuple([deps if tracked else () for tracked in known.tracked])
        if not leaves
        else tuple([(len(t.handles) + k,) if k in leaves else () for k in range(len(known.avals))]),
        scalars=scalars,
        bounds=known.bounds,
        name=fn.grad_name,
        leaves=leaves,
        level=level,
        size=known.size // PRIMITIVES if fn.is_composite else 0,
    )
    node.recipe = found
    return node


def operands_of(
    t: Any, args: tuple[Any, ...], scalars: tuple[Any, ...]
) -> tuple[tuple[Aval, ...], list[tuple[int, ...]]]:
    """Avals of tensors and of the numbers between them, and the sources that the gradient of each reaches."""
    avals, depss, handles, numbers = list[Aval](), list[tuple[int, ...]](), t.handles, iter(scalars)
    for slot in args:
        if slot is None:
            avals.append(WEAK[type(following(numbers))])
            depss.append(())
        else:
            avals.append(handles[slot]._aval if slot >= 0 else t.aval(slot))
            depss.append(handles[slot]._deps if slot >= 0 else t.deps(slot))
    return tuple(avals), depss


def joined(depss: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Sources that are behind some operands, ascending."""
    found: tuple[int, ...] = ()
    for deps in depss:
        if deps and deps is not found:
            if found:
                return tuple(sorted({d for deps in depss for d in deps}))
            found = deps
    return found


def known_of(found: Recipe, flags: Flags, numbers: tuple[int, ...]) -> Known:
    """Facts of an operation for some kinds of operands, of which these are Python numbers."""
    template = found.template(flags) or run(Inputs(found.avals, flags), found.function, dict(found.params))
    avals: list[Aval] = [*found.avals, *[at.aval for _, at in template.constants], *template.avals]
    tracked = [*flags[1 : template.given + 1], *[False] * len(template.constants), *template.tracked]
    results = [k for k in template.results if k is not None]
    found.notes[flags, numbers] = known = Known(
        tuple([avals[k] for k in results]),
        tuple([bool(tracked[k]) for k in results]),
        len(template.order),
        bounds_of(template, avals, numbers) if numbers else (),
    )
    return known


def bounds_of(template: Template, avals: Sequence[Aval], numbers: Sequence[int]) -> tuple[Bound | None, ...]:
    """Bounds of Python numbers: the range of the integer dtype that each is cast to, and the limit of a primitive that
    takes it."""
    source = {v: v for v in numbers}
    ranges: dict[int, tuple[int, int]] = {}
    limits: dict[int, Limit] = {}
    first = template.given + len(template.constants)
    for v, (at, operands) in enumerate(zip(template.applications, template.refs, strict=True), first):
        preserves, dtype = at.primitive.traits.preserves, at.aval.dtype
        if preserves and dtype.kind == "i" and operands[0] in source and preserves(avals[operands[0]], at.aval):
            number = source[v] = source[operands[0]]
            if operands[0] == number and dtype.itemsize < 8:
                ranges[number] = (-(2 ** (8 * dtype.itemsize - 1)), 2 ** (8 * dtype.itemsize - 1) - 1)
        limit = at.primitive.traits.limit
        if limit is not None and dtype.kind == "i" and operands[limit.operand] in source:
            limits[source[operands[limit.operand]]] = limit
    return tuple([bound_of(avals[v].dtype.kind, limits.get(v), ranges.get(v)) for v in numbers])


def bound_of(kind: str, limit: Limit | None, span: tuple[int, int] | None) -> Bound | None:
    """Bound of a Python number of this kind; None where it needs none."""
    if kind == "f" or (kind == "b" and limit is None):
        return None
    if span is not None:
        return (*span, limit)
    return INT64 if limit is None else DIVIDES if limit is DIVISOR else (*INT64[:2], limit)
