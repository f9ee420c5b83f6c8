"""The rule snapshot-not-copied (TN506)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "what {name} keeps is written here"
    return of_conflicts(facts, RULE, message, lent="kept from here, without a copy", used="the kept value is read here")


RULE = Rule(
    name="snapshot-not-copied",
    code="TN506",
    sentence="what is kept for later is a copy of what goes on changing",
    reason=(
        "A list, a dict or a state_dict keeps references. What they refer to is written later, so the kept "
        "values follow."
    ),
    wrong="""\
import torch
from torch import nn
net = nn.Linear(1, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
best = net.state_dict()
net(torch.ones(1, 1)).sum().backward()
opt.step()
net.load_state_dict(best)
""",
    right="""\
import copy
import torch
from torch import nn
net = nn.Linear(1, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
best = copy.deepcopy(net.state_dict())
net(torch.ones(1, 1)).sum().backward()
opt.step()
net.load_state_dict(best)
""",
    help="keep a copy: `copy.deepcopy(...)`, or `{k: v.clone() for k, v in model.state_dict().items()}`",
    check=_check,
)
