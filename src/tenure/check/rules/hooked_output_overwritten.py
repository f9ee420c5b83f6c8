"""The rule hooked-output-overwritten (TN506)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts, RULE, "the output that this hook keeps is overwritten by the next layer", ("kept here", "works in place")
    )


RULE = Rule(
    name="hooked-output-overwritten",
    code="TN506",
    sentence="what a hook keeps is a copy, where the next layer works in place",
    reason="A forward hook is given the layer's output itself. `inplace=True` in the next layer overwrites it.",
    wrong="""\
from torch import nn
net = nn.Sequential(nn.Linear(1, 1), nn.ReLU(inplace=True))
feats = []
net[0].register_forward_hook(lambda m, i, out: feats.append(out))
""",
    right="""\
from torch import nn
net = nn.Sequential(nn.Linear(1, 1), nn.ReLU(inplace=True))
feats = []
net[0].register_forward_hook(lambda m, i, out: feats.append(out.clone()))
""",
    help="clone in the hook: `out.detach().clone()`",
    check=_check,
)
