"""The rule second-exclusive-borrow (TN499)."""

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
        "a second exclusive borrow of the same place",
        ("borrowed again here", "borrowed exclusively from here"),
    )


RULE = Rule(
    name="second-exclusive-borrow",
    code="TN499",
    sentence="a place has at most one exclusive borrow at a time",
    reason="Two writers that do not know of each other would each find the other's numbers.",
    wrong="""\
import tenure as tn
v = tn.Var(tn.zeros(3))
with v.borrow_mut() as a:
    with v.borrow_mut() as b:
        b[0] = 1.0
""",
    right="""\
import tenure as tn
v = tn.Var(tn.zeros(3))
with v.borrow_mut() as a:
    a[0] = 1.0
with v.borrow_mut() as b:
    b[0] = 1.0
""",
    help="end the first block before the second begins, or pass its borrow on",
    check=_check,
)
