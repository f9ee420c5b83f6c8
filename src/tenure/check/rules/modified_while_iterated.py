"""The rule modified-while-iterated (TN506)."""

from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.rules.leaving_while_told import leaving_while_told
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts, reports_of
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "{source} changes its length while it is iterated"
    yield from of_conflicts(facts, RULE, message, lent="iterated from here", used="the loop goes on here")
    events = (Event(facts.source.path, RULE.name, nodes) for nodes in leaving_while_told(facts))
    words = ("taken out here", "all of them are called here", "one takes itself out while it is called")
    yield from reports_of(facts, RULE, events, "a callback leaves while all of them are called", words)


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
