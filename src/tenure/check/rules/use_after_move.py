"""The rule use-after-move (TN382)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(facts, RULE, "this was given away before", ("used here", "moved or consumed here"))


RULE = Rule(
    name="use-after-move",
    code="TN382",
    sentence="a moved value is not used again, and a graph is differentiated once",
    reason=(
        "`tn.move(x)` gives the value away, and `backward()` frees what the graph kept: neither is there any more."
    ),
    wrong="""\
import torch
x = torch.ones(2, requires_grad=True)
y = (x * x).sum()
y.backward()
y.backward()
""",
    right="""\
import torch
x = torch.ones(2, requires_grad=True)
y = (x * x).sum()
y.backward(retain_graph=True)
y.backward()
""",
    help="pass `retain_graph=True` to the first `backward()`, or cut a value carried around the loop with `.detach()`",
    check=_check,
)
