"""Rules of operations: results by abstract evaluation, once for the kinds of operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tenure.dtypes import int64
from tenure.ir.aval import Aval
from tenure.ir.templates import Flags, Recipe, Symbols, Template, recipe, run
from tenure.ir.traits import Limit
from tenure.ops.division import DIVISOR
from tenure.ops.promote import Operation
from tenure.values.rules.expand import expand_operation
from tenure.values.rules.levels import deeper, escaped, is_open
from tenure.values.rules.rules import DIVIDES, INT64, WEAK, Bound, Key, Kind, Level, Rule, kind_of

PRIMITIVES = 2
"""Average number of primitives in an operation."""


class Facts(NamedTuple):
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
    level = common_level(operands)
    weak = [WEAK[of] for of in numbers]
    given, none = [kind.aval for kind in operands], [False] * len(weak)
    tracked = [kind.tracked for kind in operands]
    found = recipe(fn, params, tuple([*weak, *given] if turned else [*given, *weak]))
    flags = (grad, *none, *tracked) if turned else (grad, *tracked, *none)
    at = range(len(weak)) if turned else range(len(given), len(given) + len(weak))
    known = facts_of(found, found.template(flags), flags, at)
    flows = [k in leaves if leaves else own for k, own in enumerate(known.tracked)]
    rule = Rule(
        key,
        expand_operation,
        arity=len(operands),
        params=(fn, params),
        kinds=tuple([kind_of(aval, own, level) for aval, own in zip(known.avals, flows, strict=True)]),
        numbers=numbers,
        bounds=known.bounds,
        name=fn.grad_name(*operands) if callable(fn.grad_name) else fn.grad_name,
        leaves=leaves,
        grad=grad,
        turned=turned,
        size=known.size // PRIMITIVES if fn.is_composite else 0,
    )
    rule.made_of, rule.flags = found, flags
    rule.template = None if leaves else found.plain(flags)
    return rule


def common_level(operands: Sequence[Kind]) -> Level | None:
    """The inner one of the vmapped calls of whose example some values are; VmapError if one has returned before it."""
    level: Level | None = None
    for kind in operands:
        if kind.level is not None:
            level = deeper(level, kind.level)
    if level is not None and any(kind.level is not None and not is_open(kind.level, level) for kind in operands):
        raise escaped()
    return level


def facts_of(found: Recipe, template: Template | None, flags: Flags, numbers: range) -> Facts:
    """Facts of an operation for some kinds of operands, among which are ``numbers``, by its template if it has one."""
    template = template or run(Inputs(found.avals, flags), found.function, dict(found.params))
    results = [k for k in template.results if k is not None]
    first = template.given + len(template.constants)
    if min(results) >= first:
        avals = tuple([template.avals[k - first] for k in results])
    else:
        every = avals_of(found, template)
        avals = tuple([every[k] for k in results])
    known = template.facts.get((flags, numbers.start))
    if known is None:
        tracked = [*flags[1 : template.given + 1], *[False] * len(template.constants), *template.tracked]
        bounds = bounds_of(template, avals_of(found, template), numbers) if numbers else ()
        known = tuple([bool(tracked[k]) for k in results]), len(template.order), bounds
        template.facts[flags, numbers.start] = known
    return Facts(avals, *known)


def avals_of(found: Recipe, template: Template) -> list[Aval]:
    """The avals of all values of a template."""
    return [*found.avals, *[at.aval for _, at in template.constants], *template.avals]


def bounds_of(template: Template, avals: Sequence[Aval], numbers: Sequence[int]) -> tuple[Bound | None, ...]:
    """Bounds of Python numbers: the range of the integer dtype that each is cast to, and the limit of a primitive that
    takes it."""
    source = {v: v for v in numbers}
    ranges: dict[int, tuple[int, int]] = {}
    limits: dict[int, Limit] = {}
    first = template.given + len(template.constants)
    for v, (at, operands) in enumerate(zip(template.applications, template.refs, strict=True), first):
        preserves, dtype = at.primitive.traits.preserves, at.aval.dtype
        if preserves and dtype.kind in "iu" and operands[0] in source and preserves(avals[operands[0]], at.aval):
            number = source[v] = source[operands[0]]
            if operands[0] == number and dtype is not int64:
                ranges[number] = dtype.range
        limit = at.primitive.traits.limit
        if limit is not None and dtype.kind in "iu" and operands[limit.operand] in source:
            limits[source[operands[limit.operand]]] = limit
    return tuple([bound_of(avals[v].dtype.kind, limits.get(v), ranges.get(v)) for v in numbers])


def bound_of(kind: str, limit: Limit | None, span: tuple[int, int] | None) -> Bound | None:
    """Bound of a Python number of this kind; None where it needs none."""
    if kind == "f" or (kind == "b" and limit is None):
        return None
    if span is not None:
        return (*span, limit)
    return INT64 if limit is None else DIVIDES if limit is DIVISOR else (*INT64[:2], limit)
