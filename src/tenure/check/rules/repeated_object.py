"""The rule repeated-object (TN499)."""

import ast
from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.indices import component
from tenure.check.analysis.kinds import instance_kind
from tenure.check.analysis.machine import Machine
from tenure.check.effects.effect import CONTAINERS
from tenure.check.facts import Facts
from tenure.check.program import ClassInfo
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import default_of, parameters
from tenure.check.syntax import is_empty
from tenure.check.values import Holder, Obj, Ref, Value, Write
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
    said = "one object stands at every position of this list"
    return reports_of(facts, RULE, facts.events(RULE.name), said, ("here", "repeated here"))


def _is_stateless(obj: Obj) -> bool:
    """Whether a module has no parameters."""
    target = obj.target
    return isinstance(target, str) and target.startswith("torch.nn.") and target.rpartition(".")[2] in _STATELESS


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    if isinstance(holder, tuple) and holder[0].text == "repeated" and write.sort in ("write", "resize"):
        note(m, RULE.name, write.node, holder[0].node, detail="written")


def _placed(m: Machine, ref: Ref, op: ops.SetItem) -> None:
    holder = m.sources.get(op.obj)
    if isinstance(holder, tuple) and holder[0].text == "repeated" and ref.obj.kind in CONTAINERS:
        note(m, RULE.name, op.node, holder[0].node, detail="written")
    if ref.obj.text == "repeated" and op.index and component(m, op.index[0])[0] != "i":
        # Stores at one position after another give each an object of its own.
        ref.obj.text = "refilled"


def _repeated(m: Machine, ref: Ref, count: Value, op: ops.Operate) -> None:
    modules = [r.obj for r in m.items(ref.obj) if r.obj.kind in ("module", "tenure-module")]
    shared = ref.obj.kind == "list" and not all(map(_is_stateless, modules))
    one = (len(count) == 1 and count[0].obj.const == 1) or any(_is_choice(m, r.obj) for r in count)
    if shared and not one and not _is_chosen(m, op.node) and not _is_handed_on(m, op.node):
        note(m, RULE.name, op.node, detail="module")


def _is_chosen(m: Machine, node: ast.AST) -> bool:
    """Whether a condition chooses between a repeated module and something else for the same name: to share is meant."""
    for way in m.function.scope.of(ast.IfExp):
        if node in (way.body, way.orelse) and not is_empty(way.orelse if node is way.body else way.body):
            return True
    for one in m.function.scope.of(ast.If):
        for suite, other in ((one.body, one.orelse), (one.orelse, one.body)):
            targets = {ast.unparse(target) for at in suite if isinstance(at, ast.Assign) and at.value is node
                       for target in at.targets}  # fmt: skip
            bound = {ast.unparse(target) for one in other for at in ast.walk(one)
                     if isinstance(at, ast.Assign) and not is_empty(at.value) for target in at.targets}  # fmt: skip
            if targets & bound:
                return True
    return False


def _is_handed_on(m: Machine, node: ast.AST) -> bool:
    """Whether the list is an argument of a class that is no module: workers get a module each by pickling it."""
    for call in m.function.scope.of(ast.Call):
        if node in call.args or node in [one.value for one in call.keywords]:
            made = m.program.resolve(m.module, call.func)
            return isinstance(made, ClassInfo) and instance_kind(m.program, made) == "instance"
    return False


def _is_choice(m: Machine, count: Obj) -> bool:
    """Whether a number of items is a parameter that is true or false by default: none or one."""
    given = [one for one in parameters(m.function.node) if one.arg == count.parameter]
    default = default_of(m.function.node, given[0]) if given else None
    return isinstance(default, ast.Constant) and isinstance(default.value, bool)


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
    on=Events(written=(_written,), placed=(_placed,), repeated=(_repeated,)),
)
