"""TN506: a function made in a loop does not outlive the round whose variable it reads."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.telling import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts,
        RULE,
        "this function reads `{text}` later, when the loop has changed it",
        ("made here", "the loop binds `{text}` anew"),
    )


RULE = Rule(
    name="closure-captures-loop-variable",
    code="TN506",
    sentence="a function made in a loop does not outlive the round whose variable it reads",
    reason=(
        "A function reads variables when it runs, not when it is made. After the loop all of them see the last value."
    ),
    wrong="""\
fs = []
for k in range(3):
    fs.append(lambda x: x * k)
print([f(1) for f in fs])
""",
    right="""\
fs = []
for k in range(3):
    fs.append(lambda x, k=k: x * k)
print([f(1) for f in fs])
""",
    help="bind the value as a default: `lambda x, k=k: ...`",
    check=_check,
)
