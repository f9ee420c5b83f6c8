"""The rule snapshot-not-copied (TN506)."""

from collections.abc import Iterator
from dataclasses import replace

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.rules.kept_by_recursion import kept_by_recursion
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts, of_events, reports_of
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "what {name} keeps is written here"
    lent, used = "kept from here, without a copy", "the kept value is read here"
    yield from of_conflicts(facts, RULE, message, lent=lent, used=used)
    words = ("the next call writes it here", "given out here, without a copy")
    copied = replace(RULE, help="give out a copy: `.copy()` for NumPy, `.clone()` for PyTorch")
    yield from of_events(facts, copied, "`{text}` is what an earlier call gave out, and is written", words)
    stored = (Event(facts.source.path, RULE.name, (a, b), text=name) for a, b, name in kept_by_recursion(facts))
    words = ("kept here, without a copy", "taken back here")
    yield from reports_of(facts, RULE, stored, "`{text}` is one list for all calls, and goes on changing", words)


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
