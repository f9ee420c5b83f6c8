"""The rule repeated-object (TN499)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


_STATELESS = frozenset(
    {
        *("ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Softplus"),
        *("Hardtanh", "Hardswish", "Hardsigmoid", "LogSigmoid", "Softmax", "LogSoftmax", "Identity", "Flatten"),
        *("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "Upsample", "PixelShuffle"),
        *("MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "ZeroPad2d"),
    }
)
"""Modules without parameters: one that stands at several positions shares nothing."""


def _check(facts: Facts) -> Iterator[Diagnostic]:
    events = [event for event in facts.events(RULE.name) if not _shares_nothing(facts, event)]
    said = "one object stands at every position of this list"
    return reports_of(facts, RULE, events, said, ("here", "repeated here"))


def _shares_nothing(facts: Facts, event: Event) -> bool:
    """Whether the repeated items are modules without parameters."""
    if event.detail != "module" or not isinstance(event.nodes[0], ast.BinOp):
        return False
    listed = next((one for one in (event.nodes[0].left, event.nodes[0].right) if isinstance(one, ast.List)), None)
    made = [one.func for one in listed.elts if isinstance(one, ast.Call)] if listed is not None else []
    if listed is None or len(made) != len(listed.elts):
        return False
    return all(_is_stateless(facts.program.resolve(facts.module, one)) for one in made)


def _is_stateless(target: object) -> bool:
    return isinstance(target, str) and target.startswith("torch.nn.") and target.rpartition(".")[2] in _STATELESS


RULE = Rule(
    name="repeated-object",
    code="TN499",
    sentence="the written items of a list are different objects",
    reason=(
        "`[x] * n` holds one object n times. A write to one item is seen at all of them, and modules "
        "share their weights."
    ),
    wrong="""\
from torch import nn
net = nn.ModuleList([nn.Linear(2, 2)] * 3)
""",
    right="""\
from torch import nn
net = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
""",
    help="make one object per item: `[make() for _ in range(n)]`",
    check=_check,
)
