"""TN506: gradients are cleared between the steps of an optimizer."""

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
        "the gradients of earlier rounds are never cleared",
        ("steps with the sum of all gradients", "added to here"),
    )


RULE = Rule(
    name="grad-not-cleared",
    code="TN506",
    sentence="gradients are cleared between the steps of an optimizer",
    reason=("`backward()` adds to the gradients. Without `zero_grad()` each step uses the sum of all earlier ones."),
    wrong="""\
import torch
w = torch.ones(1, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
for x in data:
    loss = (w * x).sum()
    loss.backward()
    opt.step()
""",
    right="""\
import torch
w = torch.ones(1, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
for x in data:
    opt.zero_grad()
    loss = (w * x).sum()
    loss.backward()
    opt.step()
""",
    help="call `optimizer.zero_grad()` in each round",
    check=_check,
)
