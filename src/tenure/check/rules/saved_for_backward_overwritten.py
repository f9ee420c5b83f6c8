"""The rule saved-for-backward-overwritten (TN506)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "what the graph keeps for the backward pass is written here"
    return of_conflicts(
        facts, RULE, message, lent="kept for the backward pass here", used="needed by this backward pass"
    )


RULE = Rule(
    name="saved-for-backward-overwritten",
    code="TN506",
    sentence="what the backward pass needs is not written before it has run",
    reason=(
        "Operations keep their inputs (or results) for the gradient. Writing one before `backward()` raises "
        "there, or gives the gradient of another function."
    ),
    wrong="""\
import torch
x = torch.tensor([3.0], requires_grad=True)
y = x * 2.0
z = y * y
y.mul_(10.0)
z.sum().backward()
""",
    right="""\
import torch
x = torch.tensor([3.0], requires_grad=True)
y = x * 2.0
z = y * y
y = y.mul(10.0)
z.sum().backward()
""",
    help="call `backward()` first, or compute out of place",
    check=_check,
)
