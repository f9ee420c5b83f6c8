"""The rule write-hidden-from-autograd (TN506)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "a write that autograd does not see changes what the graph keeps"
    return of_conflicts(
        facts,
        RULE,
        message,
        lent="kept for the backward pass here",
        used="this backward pass computes another gradient",
    )


RULE = Rule(
    name="write-hidden-from-autograd",
    code="TN506",
    sentence="a write behind autograd's back does not reach what a graph still keeps",
    reason=(
        "Writes through `.data`, `.numpy()` and the like are not counted by autograd: the gradient is "
        "silently that of other numbers."
    ),
    wrong="""\
import torch
x = torch.tensor(3.0, requires_grad=True)
z = x * x
x.data.mul_(10.0)
z.backward()
""",
    right="""\
import torch
x = torch.tensor(3.0, requires_grad=True)
z = x * x
z.backward()
with torch.no_grad():
    x.mul_(10.0)
""",
    help="call `backward()` first, then write under `torch.no_grad()`",
    check=_check,
)
