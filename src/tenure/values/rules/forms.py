"""Forms: the common part of rows that differ in extents alone, so that one program can serve them.

    input f32[37, 64]; sum axis=0        and        input f32[50, 64]; sum axis=0
    have the form  input f32[#, #]; sum axis=0,  and the extents (37, 64) and (50, 64)

Extents are whole numbers in shapes and in parameters; -1, 0 and 1 belong to the form, as they decide what broadcasts
and what is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from itertools import chain
from typing import Any

from tenure.errors import following
from tenure.ir.likes import filled, numbered, stripped
from tenure.ir.templates import recipe
from tenure.values.rules.expand import (
    Expansion,
    expand_block,
    expand_close,
    expand_gradient,
    expand_input,
    expand_mark,
    expand_operation,
)
from tenure.values.rules.guard import guarded
from tenure.values.rules.rows import Path, Step, steps_of
from tenure.values.rules.rules import WEAK, Rule

MOST_MET = 4096
MOST_FORMS = 128
"""Forms of paths of which something is kept."""
STRUCTURAL = (expand_block, expand_close, expand_gradient, expand_mark)
"""Steps whose parameters hold no extents."""
NONE = -1, ()
"""Form of a rule that has none."""
UNLIKE = -1
"""Code of a path that has no form."""


def form_of(rule: Rule) -> tuple[int, tuple[int, ...]]:
    """The number of a rule's form, and its extents."""
    if rule.form is None:
        said, extents = described(rule)
        rule.form = NONE if said is None else (numbered(said), tuple(extents))
    return rule.form


def described(rule: Rule) -> tuple[Any, list[int]]:
    """A rule without its extents, and these; None if they cannot be told apart."""
    extents: list[int] = []
    if rule.expand is expand_input:
        aval, tracked = rule.params
        if rule.key[1].level is not None:
            return None, extents
        return (expand_input, stripped(aval, extents), tracked), extents
    flags = rule.numbers, rule.turned, rule.leaves, rule.grad, rule.arity
    if rule.expand is expand_operation:
        fn, params = rule.params
        return (expand_operation, fn, stripped(params, extents), *flags), extents
    if rule.expand in STRUCTURAL and rule.level is None:
        return (rule.expand, rule.params, len(rule.kinds), *flags), extents
    return None, extents


def form_numbers(rules: tuple[Rule, ...]) -> tuple[int, ...] | None:
    """The numbers of the forms of some rules; None if one has none."""
    numbers = tuple([form_of(rule)[0] for rule in rules])
    return None if NONE[0] in numbers else numbers


def code_of(path: Path) -> int:
    """The hash of a path's form, of which its blocks keep theirs; UNLIKE if it has none."""
    blocks: list[Path] = []
    at: Path | None = path
    while at is not None and at.code is None:
        blocks.append(at)
        at = at.parent
    code = 0 if at is None or at.code is None else at.code
    for block in reversed(blocks):
        numbers = None if code == UNLIKE else form_numbers(block.rules)
        block.code = code = UNLIKE if numbers is None else abs(hash((code, numbers, block.slots)))
    return code


class Recent(dict[Any, Any]):
    """Table of what was used last: entries of as many forms as ``MOST_FORMS``."""

    @guarded
    def use(self, key: Any, make: Callable[[], Any]) -> Any:
        """An entry, new if it is not there; it is the last that goes."""
        found = self.pop(key, None)
        if found is None:
            found = make()
            if len(self) >= MOST_FORMS:
                del self[following(iter(self))]
        self[key] = found
        return found


class Met(dict[int, Any]):
    """The forms that were met last, by hash, each with a note of who has met it: for who does more at second sight."""

    def before(self, path: Path, more: Any, note: Any) -> Any:
        """The note of the time when this form was met before; None at the first time, and for a path without a form."""
        said = code_of(path)
        if said == UNLIKE:
            return None
        key = hash((said, more))
        found = self.get(key)
        if found is None:
            if len(self) >= MOST_MET:
                self.clear()
            self[key] = note
        return found


class Formed:
    """A path as the forms of its rows, the slots that they read, and its extents; ``forms`` is None if it has none."""

    __slots__ = ("extents", "forms")

    def __init__(self, path: Path) -> None:
        found: list[Any] = []
        self.extents: list[int] = []
        self.forms: tuple[Any, ...] | None = None
        for block in path.blocks():
            numbers = form_numbers(block.rules)
            if numbers is None:
                return
            found += (numbers, block.slots)
            self.extents += chain.from_iterable([form_of(rule)[1] for rule in block.rules])
        self.forms = tuple(found)


def expanded(path: Path, extents: Sequence[int]) -> Expansion:
    """Primitives of a path with other extents: symbols, of which the results are functions then."""
    ex, left = Expansion(), iter(extents)
    for block in path.blocks():
        for step in steps_of(block):
            rule = copy(step.rule)
            if rule.expand is expand_input:
                aval, tracked = rule.params
                rule.params = filled(aval, left), tracked
            elif rule.expand is expand_operation:
                fn, params = rule.params
                given = [ex[slot].aval for slot in step.args]
                weak = [WEAK[of] for of in rule.numbers]
                avals = (*weak, *given) if rule.turned else (*given, *weak)
                rule.made_of = recipe(fn, filled(params, left), avals)
            ex.builder.origin, ex.builder.tracking = len(ex.slots), rule.grad
            rule.expand(ex, Step(rule, step.args, len(ex.slots), len(ex.scalars), None))
    ex.path = path
    return ex
