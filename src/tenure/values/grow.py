"""Nodes for new operations: result types by abstract evaluation."""

from __future__ import annotations

from typing import Any

from tenure.errors import following
from tenure.ir.program import Builder
from tenure.ir.traits import Limit
from tenure.ops.pointwise import DIVISOR
from tenure.ops.promote import Operation
from tenure.values.expand import WEAK, expand_operation
from tenure.values.levels import level_of
from tenure.values.trie import DIVIDES, INT64, Bound, Key, Node, out_of_bounds, within

PRIMITIVES = 2
"""Average number of primitives in an operation."""


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
    b = Builder()
    deps: set[int] = set()
    values = []
    kinds = iter(scalars)
    for slot in args:
        aval = WEAK[type(following(kinds))] if slot is None else t.aval(slot)
        values.append(b.input(aval, tracked=slot is not None and bool(t.deps(slot))))
        deps.update(() if slot is None else t.deps(slot))
    b.tracking = t.mode.grad
    ans = fn(*values, **dict(params))
    results = ans if type(ans) is tuple else (ans,)
    bounds = bounds_of(b, [v.id for v, slot in zip(values, args, strict=True) if slot is None], scalars)
    ordered = tuple(sorted(deps))
    return Node(
        t.node,
        key,
        expand_operation,
        args=args,
        params=(fn, params),
        avals=tuple([v.aval for v in results]),
        depss=tuple([ordered if b.tracked[v.id] else () for v in results])
        if not leaves
        else tuple([(len(t.handles) + k,) if k in leaves else () for k in range(len(results))]),
        scalars=scalars,
        bounds=bounds,
        name=fn.grad_name,
        leaves=leaves,
        level=level,
        size=(len(b.instructions) - len(args)) // PRIMITIVES if fn.is_composite else 0,
    )


def bounds_of(b: Builder, numbers: list[int], scalars: tuple[Any, ...]) -> tuple[Bound | None, ...]:
    """Bounds of Python numbers: the range of the integer dtype that each is cast to, and the limit of a primitive that
    takes it."""
    if not numbers:
        return ()
    source = {v: v for v in numbers}
    ranges: dict[int, tuple[int, int]] = {}
    limits: dict[int, Limit] = {}
    for v, at in enumerate(b.instructions):
        if at is None:
            continue
        preserves, dtype = at.primitive.traits.preserves, at.aval.dtype
        if preserves and dtype.kind == "i" and at.operands[0] in source and preserves(b.avals[at.operands[0]], at.aval):
            number = source[v] = source[at.operands[0]]
            if at.operands[0] == number and dtype.itemsize < 8:
                ranges[number] = (-(2 ** (8 * dtype.itemsize - 1)), 2 ** (8 * dtype.itemsize - 1) - 1)
        limit = at.primitive.traits.limit
        if limit is not None and dtype.kind == "i" and at.operands[limit.operand] in source:
            limits[source[at.operands[limit.operand]]] = limit
    bounds = []
    for v, s in zip(numbers, scalars, strict=True):
        limit = limits.get(v)
        known = INT64 if limit is None else DIVIDES if limit is DIVISOR else (*INT64[:2], limit)
        bound = None if type(s) is float or (type(s) is bool and limit is None) else known
        if bound is not None and v in ranges:
            bound = (*ranges[v], limit)
        if bound is not None and not within(s, bound):
            raise out_of_bounds(s, bound)
        bounds.append(bound)
    return tuple(bounds)
