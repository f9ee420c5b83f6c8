"""Templates of the rules of primitives, kept with their applications.

The rules of a derivative are functions of builder values. They depend on the kinds of these, and some on what zeros a
cotangent or tangent holds (``ops.selection``): such a rule has a template for each case.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from tenure.ir.applications import Application, like
from tenure.ir.aval import Aval
from tenure.ir.kin import line_in
from tenure.ir.primitive import PARTIAL, SIGNED, UNSIGNED, Primitive
from tenure.ir.program import Builder, Value
from tenure.ir.templates import Filled, Flags, Function, Opaque, Symbols, Template, flags_of
from tenure.ops.selection import zeros_of

Zeros = tuple[int, ...]
OnKinds = tuple[Function, tuple[Aval, ...]]
"""A rule, and the avals of the values that it is for."""


def laid(
    b: Builder, at: Application, name: Hashable, ids: list[int], about: int, rule: Callable[[Application], OnKinds]
) -> list[int | None] | None:
    """Results of a rule of this name on operands ``ids``, the first ``about`` of which are cotangents or tangents. What
    zeros the results hold is known from then on. None, and nothing emitted, if it is opaque."""
    flags = flags_of(b, ids)
    key = flags if b.depths else packed(flags)
    found = at.kept(name, key)
    if found is None:
        found = at.keep(name, key, first_template(at, name, rule, flags))
    if type(found) is dict:
        zeros = tuple([zeros_of(Value(b, v)) for v in ids[:about]])
        case = packed(zeros, 2)
        if case not in found:
            found[case] = on_kinds(at, name, rule, flags, zeros)
        found = found[case]
        if found is None:
            return None
    found.lay(b, ids)
    arrived = b.zeros.get(ids[0]) if found.cases else None
    for ref, own in found.zeros if arrived is None else found.cases[arrived]:
        b.zeros[ids[ref]] = own
    return [None if ref is None else ids[ref] for ref in found.results]


def first_template(at: Application, name: Hashable, rule: Callable[[Application], OnKinds], flags: Flags) -> Any:
    """The template of a rule for all zeros; a table of one for each case, if it asks for zeros. What has done so once
    is not tried again."""
    made = None if (at.primitive, name) in ASKING else on_kinds(at, name, rule, flags, ())
    if made is None:
        ASKING.add((at.primitive, name))
    return made or {}


ASKING: set[tuple[Primitive, Hashable]] = set()
"""Rules that have asked for zeros, by the primitive and the rule's name."""


def packed(numbers: Sequence[int], bits: int = 1) -> int:
    """Small numbers as one, the first in the lowest bits; so native code finds what is kept by them."""
    out = 0
    for k, number in enumerate(numbers):
        out |= number << bits * k
    return out


def kept(at: Application, name: Hashable, flags: Flags) -> Template | None:
    """A template of a rule that is known already, for whatever zeros."""
    found = at.kept(name, packed(flags))
    if type(found) is dict:
        found = next((one for one in found.values() if one is not None), None)
    return found or None


def on_kinds(
    at: Application, name: Hashable, rule: Callable[[Application], OnKinds], flags: Flags, zeros: Zeros
) -> Template | None:
    """Template of an application's rule: filled in, where others have been made that differ in extents alone."""
    kin, extents = at.kin

    def run(extents: Sequence[int]) -> Template | None:
        return on_symbols(*rule(like(at, extents)), flags, zeros, passing)

    passing = name == "vjp" and not zeros
    if kin is None:
        return on_symbols(*rule(at), flags, zeros, passing)
    of = packed(flags) if max(flags) <= 1 else flags
    line = line_in(kin.lines, (name, of, packed(zeros, 2) if zeros else None))
    found: Template | None = line.found(extents, run, Filled)
    return found


def filled_in(at: Application, name: Hashable, flags: int, case: int | None) -> Template | None:
    """The template of an application that has none yet, for packed flags and zeros of what is no example, filled in and
    kept; None where that needs a run of the rule."""
    kin, extents = at.kin
    asks = (at.primitive, name) in ASKING
    if kin is None or (asks and case is None):
        return None
    line = kin.lines.get((name, flags, case if asks else None))
    found: Template | None = None if line is None else line.at(extents)
    if found is None:
        return None
    if not asks:
        return at.keep(name, flags, found)  # type: ignore[no-any-return]
    return at.keep(name, flags, {}).setdefault(case, found)  # type: ignore[no-any-return]


def zeros_in(b: Builder, v: int) -> int:
    """The zeros of a value as a cotangent; the builder knows them from then on."""
    return zeros_of(Value(b, v))


def on_symbols(
    rule: Function, avals: tuple[Aval, ...], flags: Flags, zeros: Zeros, passing: bool = False
) -> Template | None:
    """Template of a rule on operands of which the first hold these zeros; None if it asks for more. It is ``passing``
    if what zeros the results hold depends on the first operand, the cotangent."""
    b = Symbols(avals, flags)
    b.zeros.update(enumerate(zeros))
    try:
        results: Sequence[Value | None] = rule(*[Value(b, v) for v in range(b.given)])
    except Opaque:
        return None
    made = Template(b, b.given, results)
    before = b.zeros.copy()
    made.zeros = zeros_held(b, made, results, before)
    if passing:
        made.cases = tuple([zeros_held(b, made, results, {**before, 0: case}) for case in CASES])
    return made


CASES = UNSIGNED, SIGNED, PARTIAL
"""Zeros that a cotangent may hold; each is its place here."""


def zeros_held(b: Symbols, made: Template, results: Sequence[Value | None], known: Mapping[int, int]) -> Any:
    """Pairs of references to results of a template and of the zeros that they hold, as far as these follow."""
    b.zeros.clear()
    b.zeros.update(known)
    found: dict[int, int] = {}
    for x, ref in zip(results, made.results, strict=True):
        if x is not None and ref is not None and ref >= b.given:
            with suppress(Opaque):
                found[ref] = zeros_of(x)
    return tuple(found.items())
