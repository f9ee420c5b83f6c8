"""The rule iterator-consumed (TN382)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    first: dict[tuple[ast.AST, ...], Event] = {}
    for event in facts.events(RULE.name):
        # One iterator is one bug, however many loops find it at its end.
        known = first.setdefault(event.nodes[2:] or event.nodes, event)
        if _line(event) < _line(known):
            first[event.nodes[2:] or event.nodes] = event
    message = "this iterator has come to its end before, and gives nothing more"
    return reports_of(facts, RULE, first.values(), message, ("iterated again here", "consumed here", "made here"))


def _line(event: Event) -> int:
    return getattr(event.nodes[0], "lineno", 0)


RULE = Rule(
    name="iterator-consumed",
    code="TN382",
    sentence="an iterator is gone through once",
    reason=(
        "`map`, `filter`, `zip`, generators and `model.parameters()` give their items once. A second loop "
        "over the same object finds nothing."
    ),
    wrong="""\
xs = map(abs, [1, -2])
print(sum(xs))
for x in xs:
    print(x)
""",
    right="""\
xs = list(map(abs, [1, -2]))
print(sum(xs))
for x in xs:
    print(x)
""",
    help="make a list of it first: `list(...)`",
    check=_check,
)
