"""Rules of a class: those of one operation that differ in extents alone, of which one is made, and others filled in.

    add f32[37, 64] f32[64]; then with 50; then with 61        from here on, for any extent, the template of a symbol is
                                                               filled in (``ir.kin``), and the rule is a copy

What the templates of one symbol have in common is all that a rule says, but for kinds and parameters.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tenure.ir import likes
from tenure.ir.kin import Line
from tenure.ir.likes import Bounded, Symbolic, like_of, stripped
from tenure.ir.templates import Template
from tenure.values.rules.expand import expand_input
from tenure.values.rules.modes import Mode
from tenure.values.rules.rules import Key, Kind, Rule, kind_of

__all__ = ["Class", "filled_in", "liken", "note"]

CLASSES, KINDS, PARAMS, INPUTS = Bounded(), Bounded(), Bounded(), Bounded()
"""Classes by keys without extents; objects for kinds without theirs; parameters without theirs, and these; the first
input of kinds by what they have in common."""


class Sources(NamedTuple):
    """Sources of a rule that is filled in: the ``results`` as numbers of instructions, or, if they are none, as places
    of ``operands`` in the key; the place of the ``params``, 0 if they hold no extents."""

    results: list[int]
    operands: list[int]
    params: int


class Class:
    """Rules of a key without extents, whose templates are on a ``line``, and the ``first`` of them. The facts of a
    template of symbols have, for the class, a rule with it and its ``Sources``."""

    __slots__ = ("first", "line")

    def __init__(self, line: Line, first: Rule) -> None:
        self.line, self.first = line, first


def split(key: Key, grad: bool) -> tuple[Key, list[int], int] | None:
    """The key of a rule without its extents; these, and how many are of its kinds. None where it is none of a class."""
    said: list[Any] = [grad]
    extents: list[int] = []
    count = 0
    for part in key:
        kind = type(part)
        if kind is Kind:
            if part.like is None and not liken(part):
                return None
            said.append(part.like)
            extents += part.extents
            count = len(extents)
        elif kind is tuple and part:
            like, own = without(part)
            if like is None:
                return None
            said.append(like)
            extents += own
        else:
            said.append(part)
    return tuple(said), extents, count


def liken(kind: Kind) -> bool:
    """Find what a kind has in common with others; whether it may be of a class: not the value of one example."""
    if kind.level is not None:
        return False
    said, extents = like_of(kind.aval)
    for one in (kind, kind.leaf):
        one.extents = extents
        one.like = KINDS.entry((said, one.tracked), object)
    return True


def without(params: Any) -> tuple[Any, list[int]]:
    """Parameters without their extents, and these, which are kept; None for what holds symbols."""
    found: tuple[Any, list[int]] | None = PARAMS.get(params)
    if found is None:
        extents: list[int] = []
        try:
            found = stripped(params, extents), extents
        except Symbolic:
            found = None, []
        likes.untracked(extents, found)
        found = PARAMS.keep(params, found)
    return found


def input_rule(kind: Kind) -> Rule:
    """Rule of a new input of a kind, which is a copy where there is one for a kind that is like it."""
    if kind.input is None:
        key, params = (expand_input, kind), (kind.aval, kind.tracked)
        first: Rule | None = INPUTS.get(kind.like) if kind.like is not None or liken(kind) else None
        if first is None:
            kind.input = Rule(key, expand_input, params=params, inputs=1)
            if kind.like is not None:
                INPUTS.keep(kind.like, kind.input)
        else:
            form = None if first.form is None else (first.form[0], kind.extents)
            kind.input = first.alike(key, None, (), params, form)
            likes.untracked(params)
    return kind.input  # type: ignore[no-any-return]


def filled_in(mode: Mode, key: Key) -> Rule | None:
    """The rule of a key that is new, as a copy of one of its class, which is kept; None if there is none yet."""
    found = split(key, mode.grad)
    one: Class | None = None if found is None else CLASSES.get(found[0])
    if found is None or one is None:
        return None
    _, extents, count = found
    template: Template | None = one.line.at(extents)
    known = None if template is None else template.facts.get(one)
    if template is None or known is None:
        return None
    like, sources = known
    params, form, tracked = like.params, like.form, like.kinds[0].tracked
    if sources.operands:
        kinds = tuple([kind_of(key[sources.operands[k]].aval, tracked) for k in sources.results])
    else:
        kinds = tuple([kind_of(template.avals[k], tracked) for k in sources.results])
    if sources.params:
        params = params[0], key[sources.params]
        form = None if form is None else (form[0], tuple(extents[count:]))
    return mode.known.keep(like.alike(key, None if sources.operands else template, kinds, params, form))


def note(rule: Rule) -> None:
    """Note a rule that was made as one of its class."""
    found = split(rule.key, rule.grad)
    template = None if found is None else rule.recipe.templates.get(rule.flags)
    if found is None or template is None or rule.leaves or len({kind.tracked for kind in rule.kinds}) != 1:
        return
    line, extents = rule.recipe.line(rule.flags)
    sources = sources_of(rule, template)
    if line is not None and sources is not None:
        one: Class = CLASSES.get(found[0]) or CLASSES.keep(found[0], Class(line, rule))
        rule.first = None if one.first is rule else one.first
        general, _ = one.line.matched(extents)
        if general is not None:
            general.template.facts.setdefault(one, (rule, sources))


def sources_of(rule: Rule, template: Template) -> Sources | None:
    """The sources of a rule; None where a result is a number, or some are operands and others are not."""
    first, refs = template.given + len(template.constants), [ref for ref in template.results if ref is not None]
    place = next((k for k, part in enumerate(rule.key) if type(part) is tuple and part), 0)
    if template.is_new:
        return Sources([ref - first for ref in refs], [], place)
    before = len(rule.numbers) if rule.turned else 0
    places = [k for k, part in enumerate(rule.key) if type(part) is Kind]
    operands = [ref - before for ref in refs]
    if not all(0 <= k < rule.arity for k in operands):
        return None
    return Sources(operands, places, place)
