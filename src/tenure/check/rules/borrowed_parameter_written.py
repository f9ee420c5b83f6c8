"""The rule borrowed-parameter-written (TN594)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts, RULE, "`{text}` is lent as shared, and is written", ("written here", "lent as shared here", "by this")
    )


RULE = Rule(
    name="borrowed-parameter-written",
    code="TN594",
    sentence="what a function was lent as shared, it does not write",
    reason="`tn.Ref[...]` promises the caller that the argument stays as it is.",
    wrong="""\
import tenure as tn
def scale(x: tn.Ref[tn.Tensor]):
    x.mul_(2.0)
""",
    right="""\
import tenure as tn
def scale(x: tn.Mut[tn.Var]):
    x.mul_(2.0)
""",
    help="compute out of place, or ask for `tn.Mut[...]`",
    check=_check,
)
