"""The rule use-while-exclusively-borrowed (TN503)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(facts, RULE, "this place is exclusively borrowed", ("used here", "borrowed exclusively from here"))


RULE = Rule(
    name="use-while-exclusively-borrowed",
    code="TN503",
    sentence="a place is not used while it is exclusively borrowed",
    reason="Only the borrow may read and write until its block ends.",
    wrong="""\
import tenure as tn
v = tn.Var(tn.zeros(3))
with v.borrow_mut() as m:
    print(v + 1)
""",
    right="""\
import tenure as tn
v = tn.Var(tn.zeros(3))
with v.borrow_mut() as m:
    print(m + 1)
""",
    help="read and write through the borrow inside its block",
    check=_check,
)
