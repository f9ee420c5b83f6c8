"""The rule iterator-consumed (TN382)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts,
        RULE,
        "this iterator has come to its end before, and gives nothing more",
        ("iterated again here", "consumed here", "made here"),
    )


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
