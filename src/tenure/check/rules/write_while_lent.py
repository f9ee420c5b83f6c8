"""The rule write-while-lent (TN506)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(facts, RULE, "this place is written while it is lent", ("written here", "lent from here"))


RULE = Rule(
    name="write-while-lent",
    code="TN506",
    sentence="a place is not written while it is lent as shared",
    reason="`with v.borrow() as t:` promises that t stays what it is until the block ends.",
    wrong="""\
import tenure as tn
v = tn.Var(tn.zeros(3))
with v.borrow() as t:
    v[0] = 1.0
""",
    right="""\
import tenure as tn
v = tn.Var(tn.zeros(3))
with v.borrow() as t:
    first = t[0]
v[0] = first + 1.0
""",
    help="write after the `with place.borrow()` block ends",
    check=_check,
)
