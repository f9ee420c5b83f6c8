"""A step never seen before: what an operation gives, found by trying it on abstract operands."""

from __future__ import annotations

from typing import Any

from tenure.errors import following
from tenure.ir.program import Builder
from tenure.ops.promote import Operation
from tenure.values.expand import WEAK, expand_operation
from tenure.values.levels import level_of
from tenure.values.trie import INT64, Key, Node, out_of_bounds

PRIMITIVES = 2
"""How many primitives an operation is, on the average."""


def new_operation(
    t: Any,
    key: Key,
    fn: Operation,
    args: tuple[Any, ...],
    params: Any,
    scalars: tuple[Any, ...],
    leaves: tuple[int, ...] = (),
) -> Node:
    """The node of a new operation: check it and find what it gives."""
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


def bounds_of(b: Builder, numbers: list[int], scalars: tuple[Any, ...]) -> tuple[tuple[int, int] | None, ...]:
    """The range that each Python int must keep to: that of the integer dtype it is cast to."""
    found: dict[int, tuple[int, int]] = {}
    for at in b.instructions:
        if at is not None and at.primitive.name == "cast" and at.operands[0] in numbers:
            dtype = at.aval.dtype
            if dtype.kind == "i":
                bits = 8 * dtype.itemsize - 1
                found[at.operands[0]] = INT64 if bits == 63 else (-(2**bits), 2**bits - 1)
    bounds = tuple([found.get(v, INT64) if type(s) is int else None for v, s in zip(numbers, scalars, strict=True)])
    for s, bound in zip(scalars, bounds, strict=True):
        if bound is not None and not bound[0] <= s <= bound[1]:
            raise out_of_bounds(s, bound)
    return bounds
