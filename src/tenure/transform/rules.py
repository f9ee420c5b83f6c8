"""Templates of the rules of primitives, kept with their applications.

The rules of a derivative are functions of builder values. They depend on the kinds of these, and some on what zeros a
cotangent or tangent holds (``ops.selection``): such a rule has a template for each case.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tenure.ir.applications import Application
from tenure.ir.aval import Aval
from tenure.ir.program import Builder, Value
from tenure.ir.templates import Flags, Function, Opaque, Symbols, Template, flags_of
from tenure.ops.selection import zeros_of

Zeros = tuple[int, ...]


def template_of(
    b: Builder, at: Application, name: Hashable, rule: Function, avals: tuple[Aval, ...], ids: Sequence[int], about: int
) -> Template | None:
    """Template of a rule on operands ``ids``, the first ``about`` of which are cotangents or tangents. None
    if it is opaque."""
    flags = flags_of(b, ids)
    key = (name, flags)
    if key not in at.rules:
        try:
            at.rules[key] = on_symbols(rule, avals, flags, ())
        except Opaque:
            at.rules[key] = {}
    found = at.rules[key]
    if type(found) is not dict:
        return found  # type: ignore[no-any-return]
    zeros = tuple([zeros_of(Value(b, v)) for v in ids[:about]])
    if zeros not in found:
        try:
            found[zeros] = on_symbols(rule, avals, flags, zeros)
        except Opaque:
            found[zeros] = None
    return found[zeros]  # type: ignore[no-any-return]


def on_symbols(rule: Function, avals: tuple[Aval, ...], flags: Flags, zeros: Zeros) -> Template:
    """Template of a rule on operands of which the first hold these zeros."""
    b = Symbols(avals, flags)
    b.zeros.update(enumerate(zeros))
    results: Sequence[Value | None] = rule(*[Value(b, v) for v in range(b.given)])
    made, known = Template(b, b.given, results), {}
    for x, ref in zip(results, made.results, strict=True):
        if x is not None and ref is not None and ref >= b.given:
            try:
                known[ref] = zeros_of(x)
            except Opaque:
                continue
    made.zeros = tuple(known.items())
    return made


def lay(b: Builder, template: Template, ids: list[int]) -> list[int | None]:
    """Append a template; returns the numbers of its results. What zeros these hold is known from then on."""
    given = template.lay(b, ids)
    for ref, zeros in template.zeros:
        b.zeros[given[ref]] = zeros
    return [None if ref is None else given[ref] for ref in template.results]
