"""The rule self-overlapping-write (TN502)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(facts, RULE, "what is written here overlaps with itself", ("written here", "shares its memory"))


RULE = Rule(
    name="self-overlapping-write",
    code="TN502",
    sentence="an operation in place does not read, or write twice, the cells it is writing",
    reason=(
        "A shifted view of the same tensor is read while it is being written, or one cell stands for several "
        "elements (`expand`): the result depends on the order."
    ),
    wrong="""\
import torch
x = torch.arange(4.0)
x[1:] += x[:-1]
""",
    right="""\
import torch
x = torch.arange(4.0)
x[1:] = x[1:] + x[:-1]
""",
    help="compute out of place first, or make a copy with `.clone()`",
    check=_check,
)
