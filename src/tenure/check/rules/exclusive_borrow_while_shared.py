"""The rule exclusive-borrow-while-shared (TN502)."""

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
        "an exclusive borrow of a place that is lent as shared",
        ("borrowed exclusively here", "lent as shared from here"),
    )


RULE = Rule(
    name="exclusive-borrow-while-shared",
    code="TN502",
    sentence="a place is not borrowed exclusively while it is lent as shared",
    reason="The reader was promised that nothing changes for the length of the block.",
    wrong="""\
import tenure as tn
v = tn.Var(tn.zeros(3))
with v.borrow() as t:
    m = v.borrow_mut()
    print(t)
""",
    right="""\
import tenure as tn
v = tn.Var(tn.zeros(3))
with v.borrow() as t:
    print(t)
m = v.borrow_mut()
""",
    help="leave the `with place.borrow()` block first",
    check=_check,
)
