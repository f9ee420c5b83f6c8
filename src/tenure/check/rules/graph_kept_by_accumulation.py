"""TN382: what is kept for a report is a number, not a graph."""

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
        "`{text}` keeps the graph of every round",
        ("added here, graph and all", "its backward pass is done here"),
    )


RULE = Rule(
    name="graph-kept-by-accumulation",
    code="TN382",
    sentence="what is kept for a report is a number, not a graph",
    reason="A sum of losses keeps the graph of every one of them alive until it is dropped.",
    wrong="""\
import torch
w = torch.ones(1, requires_grad=True)
total = 0.0
for x in data:
    loss = (w * x).sum()
    loss.backward()
    total += loss
print(total)
""",
    right="""\
import torch
w = torch.ones(1, requires_grad=True)
total = 0.0
for x in data:
    loss = (w * x).sum()
    loss.backward()
    total += loss.item()
print(total)
""",
    help="keep the number: `total += loss.item()` (or `.detach()`)",
    check=_check,
)
