"""Forms: what rows have in common that differ in extents alone, so that one program can serve them.

    input f32[37, 64]; sum axis=0        and        input f32[50, 64]; sum axis=0
    have the form  input f32[#, #]; sum axis=#,  and the extents (37, 64, 0) and (50, 64, 0)

Extents are whole numbers in shapes and in parameters; those below 2 belong to the form, as they decide what broadcasts
and what is empty. ``Likeness`` tells which extents of two paths of one form differ: these become symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from operator import itemgetter
from typing import Any

from tenure.errors import following
from tenure.ir.aval import Aval
from tenure.ir.extents import Extents
from tenure.ir.templates import recipe
from tenure.values.rules.expand import (
    WEAK,
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
from tenure.values.rules.rules import Rule

NUMBER = "#"
MOST_FORMS = 256
"""Forms of paths of which something is kept."""
STRUCTURAL = (expand_block, expand_close, expand_gradient, expand_mark)
"""Steps whose parameters hold no extents."""
NUMBERS: dict[Any, int] = {}
"""Forms of rules by what they are, numbered."""
MOST = 1 << 14
NONE = -1, ()
"""That of a rule which has no form."""


def form_of(rule: Rule) -> tuple[int, tuple[int, ...]]:
    """The number of a rule's form, and its extents."""
    if rule.form is None:
        said, extents = described(rule)
        if said is None:
            rule.form = NONE
        else:
            if len(NUMBERS) > MOST:
                NUMBERS.clear()
            rule.form = NUMBERS.setdefault(said, next_number()), tuple(extents)
    return rule.form


class Count:
    """Numbers that are given once."""

    value = 0


def next_number() -> int:
    """A number that no form has had."""
    Count.value += 1
    return Count.value


def described(rule: Rule) -> tuple[Any, list[int]]:
    """What a rule is but for its extents, and these; None if it cannot be told apart from them."""
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


def stripped(value: Any, extents: list[int]) -> Any:
    """A parameter without its whole numbers, which are appended to ``extents``."""
    if type(value) is int:
        if value < 2:
            return value
        extents.append(value)
        return NUMBER
    if type(value) is tuple:
        return tuple([stripped(part, extents) for part in value])
    if type(value) is Aval:
        return (Aval, stripped(value.shape, extents), *value[1:])
    return (type(value), repr(value)) if isinstance(value, bool | float) else value


def filled(value: Any, extents: Iterator[int]) -> Any:
    """A parameter with other whole numbers."""
    if type(value) is int:
        return value if value < 2 else following(extents)
    if type(value) is tuple:
        return tuple([filled(part, extents) for part in value])
    if type(value) is Aval:
        return Aval(filled(value.shape, extents), *value[1:])
    return value


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


class Formed:
    """A path as the forms of its rows, the slots that they read, and its extents; ``forms`` is None if it has none."""

    __slots__ = ("extents", "forms")

    def __init__(self, path: Path) -> None:
        found: list[Any] = []
        self.extents: list[int] = []
        for block in path.blocks():
            pairs = [form_of(rule) for rule in block.rules]
            found += (tuple([number for number, _ in pairs]), block.slots)
            for _, extents in pairs:
                self.extents += extents
        self.forms: tuple[Any, ...] | None = tuple(found)
        if any(NONE[0] in forms for forms in found[::2]):
            self.forms = None


class Likeness:
    """The extents in which two paths of one form differ, each pair of values as one symbol.

    ``places`` are those of the extents that differ, ``symbols`` the number of each one's symbol; ``first`` is a place
    for each symbol.
    """

    __slots__ = ("count", "first", "fixed", "others", "places", "symbols")

    def __init__(self, some: Sequence[int], others: Sequence[int]) -> None:
        known: dict[tuple[int, int], int] = {}
        self.count = len(some)
        self.places = [k for k, pair in enumerate(zip(some, others, strict=True)) if pair[0] != pair[1]]
        self.symbols = [known.setdefault((some[k], others[k]), len(known)) for k in self.places]
        self.first = [self.places[self.symbols.index(k)] for k in range(len(known))]
        at = sorted({*range(len(some))} - {*self.places})
        self.others = itemgetter(*at) if at else None
        self.fixed = at and self.others and self.others(others)

    def values(self, extents: Sequence[int]) -> tuple[int, ...] | None:
        """Values of the symbols for the extents of another path; None if it is not alike."""
        if len(extents) != self.count or (self.others is not None and self.others(extents) != self.fixed):
            return None
        values = tuple([extents[k] for k in self.first])
        same = all(extents[k] == values[symbol] for k, symbol in zip(self.places, self.symbols, strict=True))
        return values if same else None

    def symbolic(self, extents: Sequence[int], symbols: Extents) -> list[int]:
        """The extents of a path, with symbols in place of those that differ."""
        out = list(extents)
        for k, symbol in zip(self.places, self.symbols, strict=True):
            out[k] = symbols.symbols[symbol]
        return out


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
                rule.recipe = recipe(fn, filled(params, left), avals)
            ex.builder.origin, ex.builder.tracking = len(ex.slots), rule.grad
            rule.expand(ex, Step(rule, step.args, len(ex.slots), len(ex.scalars), None))
    ex.path = path
    return ex
