"""The rule mutable-default-mutated (TN506)."""

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
        "the default value of `{text}` is written: every later call starts from it",
        ("written here", "made once, here"),
    )


RULE = Rule(
    name="mutable-default-mutated",
    code="TN506",
    sentence="a default value is not written",
    reason=(
        "A default value is made once, when the function is defined. All calls share it, so what one call "
        "writes the next one finds."
    ),
    wrong="""\
import torch
def accumulate(x, state=torch.zeros(2)):
    state += x
    return state
""",
    right="""\
import torch
def accumulate(x, state=None):
    if state is None:
        state = torch.zeros(2)
    state += x
    return state
""",
    help="default to None, and make the value in the body",
    check=_check,
)
