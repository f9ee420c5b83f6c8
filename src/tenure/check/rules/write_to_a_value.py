"""The rule write-to-a-value (TN594)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(facts, RULE, "this writes to a value", ("written here", "a value"))


RULE = Rule(
    name="write-to-a-value",
    code="TN594",
    sentence="a value is never written",
    reason=(
        "What operations return is a value, as numbers are. JAX arrays are values too, also behind a writable "
        "view by DLPack."
    ),
    wrong="""\
import tenure as tn
x = tn.zeros(3)
x[0] = 1.0
""",
    right="""\
import tenure as tn
x = tn.zeros(3).mut()
x[0] = 1.0
""",
    help="make a new value with `x.at[i].set(v)`, or a place with `x.mut()`",
    check=_check,
)
