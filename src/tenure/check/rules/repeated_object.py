"""The rule repeated-object (TN499)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(facts, RULE, "one object stands at every position of this list", ("here", "repeated here"))


RULE = Rule(
    name="repeated-object",
    code="TN499",
    sentence="the written items of a list are different objects",
    reason=(
        "`[x] * n` holds one object n times. A write to one item is seen at all of them, and modules "
        "share their weights."
    ),
    wrong="""\
from torch import nn
net = nn.ModuleList([nn.Linear(2, 2)] * 3)
""",
    right="""\
from torch import nn
net = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
""",
    help="make one object per item: `[make() for _ in range(n)]`",
    check=_check,
)
