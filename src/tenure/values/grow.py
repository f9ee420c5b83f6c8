"""Rules of operations: result types by abstract evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.ir.program import Builder
from tenure.ir.traits import Limit
from tenure.ops.pointwise import DIVISOR
from tenure.ops.promote import Operation
from tenure.values.expand import WEAK, expand_operation
from tenure.values.levels import deeper
from tenure.values.rules import DIVIDES, INT64, Bound, Key, Kind, Level, Rule, kind_of

PRIMITIVES = 2
"""Average number of primitives in an operation."""


def new_operation(
    key: Key,
    fn: Operation,
    operands: Sequence[Kind],
    params: Any,
    numbers: tuple[type, ...],
    grad: bool,
    leaves: tuple[int, ...] = (),
    turned: bool = False,
) -> Rule:
    """Rule of an operation on operands of some kinds and numbers of some types, checked."""
    level: Level | None = None
    b = Builder()
    given = [b.input(kind.aval, tracked=kind.tracked) for kind in operands]
    for kind in operands:
        level = deeper(level, kind.level)
    weak = [b.input(WEAK[of]) for of in numbers]
    values = [*weak, *given] if turned else [*given, *weak]
    b.tracking = grad
    ans = fn(*values, **dict(params))
    results = ans if type(ans) is tuple else (ans,)
    tracked = [k in leaves or (not leaves and b.tracked[v.id]) for k, v in enumerate(results)]
    return Rule(
        key,
        expand_operation,
        arity=len(operands),
        params=(fn, params),
        kinds=tuple([kind_of(v.aval, is_, level) for v, is_ in zip(results, tracked, strict=True)]),
        numbers=numbers,
        bounds=bounds_of(b, [v.id for v in weak], numbers),
        name=fn.grad_name,
        leaves=leaves,
        grad=grad,
        turned=turned,
        size=(len(b.instructions) - len(values)) // PRIMITIVES if fn.is_composite else 0,
    )


def bounds_of(b: Builder, numbers: list[int], types: tuple[type, ...]) -> tuple[Bound | None, ...]:
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
    return tuple([_bound(of, ranges.get(v), limits.get(v)) for v, of in zip(numbers, types, strict=True)])


def _bound(of: type, within: tuple[int, int] | None, limit: Limit | None) -> Bound | None:
    if of is float or (of is bool and limit is None):
        return None
    if within is not None:
        return (*within, limit)
    return INT64 if limit is None else DIVIDES if limit is DIVISOR else (*INT64[:2], limit)
