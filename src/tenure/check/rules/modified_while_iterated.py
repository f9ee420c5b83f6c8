"""The rule modified-while-iterated (TN506)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "{source} changes its length while it is iterated"
    return of_conflicts(facts, RULE, message, lent="iterated from here", used="the loop goes on here")


RULE = Rule(
    name="modified-while-iterated",
    code="TN506",
    sentence="a list, dict or set keeps its length while it is iterated",
    reason=(
        "The iterator counts positions: after a removal it skips the next item, and a dict or set raises. The "
        "loop borrows what it iterates."
    ),
    wrong="""\
layers = [make(size) for size in sizes]
for i, layer in enumerate(layers):
    if layer.dead:
        del layers[i]
""",
    right="""\
layers = [make(size) for size in sizes]
layers = [layer for layer in layers if not layer.dead]
""",
    help="iterate over a copy, `for x in list(xs)`, or build a new list",
    check=_check,
)
