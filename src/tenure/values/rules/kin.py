"""Kin: rules of one operation that differ in extents alone. From the third on they are not found by running it.

    add f32[37, 64] f32[64]; then with 50, and 61        gives f32[s0, 64] where s0 != 1, …

The operation runs once more on symbols (``ir.extents``), and what it gives serves all extents that meet the same
conditions. It is compared with rules that were found by running first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tenure.ir.applications import Bounded
from tenure.ir.aval import Aval
from tenure.ir.extents import Extents, Lost, source
from tenure.ir.templates import recipe
from tenure.values.rules.forms import Likeness, filled, stripped
from tenure.values.rules.rules import Bound, Rule

if TYPE_CHECKING:
    from tenure.values.rules.rules import Kind

EXAMPLES = 2
"""Rules that are found by running the operation, before it runs on symbols."""
ATTEMPTS = 3
"""Runs on symbols that may fail."""


class Facts(NamedTuple):
    """Facts of an operation that follow from the kinds of its operands: the results, whether a gradient flows to each,
    the number of primitives, and the bounds of the Python numbers."""

    avals: tuple[Aval, ...]
    tracked: tuple[bool, ...]
    size: int
    bounds: tuple[Bound | None, ...]


class Results:
    """Facts of an operation for all extents that are alike and meet the conditions."""

    __slots__ = ("facts", "holds", "likeness", "shapes")

    def __init__(self, likeness: Likeness, extents: Extents, facts: Facts, shapes: Sequence[Any]) -> None:
        self.likeness, self.facts, self.holds = likeness, facts, extents.holds()
        self.shapes = extents.function(source(tuple(shapes)), {})

    def at(self, extents: Sequence[int]) -> Facts | None:
        """The facts for some extents; None if these are for another case."""
        values = self.likeness.values(extents)
        if values is None or not self.holds(*values):
            return None
        avals = [Aval(shape, *aval[1:]) for shape, aval in zip(self.shapes(*values), self.facts.avals, strict=True)]
        return self.facts._replace(avals=tuple(avals))


class Kin:
    """The rules of an operation that are kin: examples with their extents, and what is known for all."""

    __slots__ = ("examples", "failed", "known")

    def __init__(self) -> None:
        self.examples: list[tuple[tuple[int, ...], Facts]] = []
        self.known: list[Results] = []
        self.failed = 0

    def at(self, extents: Sequence[int]) -> Facts | None:
        """What is known of some extents."""
        for results in self.known:
            facts = results.at(extents)
            if facts is not None:
                return facts
        return None

    def note(self, extents: tuple[int, ...], rule: Rule, facts: Facts) -> None:
        """Note facts that were found by running a rule's operation, and run it on symbols if there are examples."""
        if len(self.examples) >= EXAMPLES and self.failed < ATTEMPTS:
            try:
                self.learn(extents, rule, facts)
            except Exception:  # what symbols are not made for
                self.failed += 1
        self.examples = [*self.examples[-EXAMPLES:], (extents, facts)]

    def learn(self, extents: tuple[int, ...], rule: Rule, facts: Facts) -> None:
        """Run the operation of a rule on symbols."""
        others = [other for other, _ in self.examples if len(other) == len(extents)]
        likeness = min([Likeness(other, extents) for other in others], key=lambda found: len(found.places))
        if not likeness.places:
            return
        symbols = Extents([extents[k] for k in likeness.first])
        left = iter(likeness.symbolic(extents, symbols))
        found, (fn, params) = rule.recipe, rule.params
        avals = [filled(aval, left) for aval in found.avals]
        template = recipe(fn, filled(params, left), tuple(avals)).template(rule.flags)
        if template is None:
            raise Lost
        given = [*avals, *[at.aval for _, at in template.constants], *template.avals]
        results = Results(likeness, symbols, facts, [given[k].shape for k in template.results if k is not None])
        apart = False
        for other, like in [*self.examples, (extents, facts)]:
            own = results.at(other)
            if own is None:
                continue
            if own != like:
                raise Lost
            values, at = likeness.values(other), likeness.values(extents)
            apart = apart or all(x != y for x, y in zip(values or (), at or (), strict=True))
        if not apart:
            raise Lost
        self.known.insert(0, results)


KIN = Bounded()


def kin_of(
    fn: Any, operands: Sequence[Kind], params: Any, rest: tuple[Any, ...]
) -> tuple[Kin | None, tuple[int, ...]]:
    """The kin of an operation's rule, and its extents; None where it is one example's of a vmapped call."""
    extents: list[int] = []
    kinds = []
    for kind in operands:
        if kind.level is not None:
            return None, ()
        kinds.append((stripped(kind.aval, extents), kind.tracked))
    key = (fn, *kinds, stripped(params, extents), rest)
    found = KIN.get(key)
    return found or KIN.keep(key, Kin()), tuple(extents)
