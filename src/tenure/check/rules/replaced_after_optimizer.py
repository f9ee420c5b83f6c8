"""The rule replaced-after-optimizer (TN506)."""

import ast
from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.values import Holder, Obj, Ref, Write
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]

_OPTIMIZERS = ("optimizer", "tenure-optimizer")


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts,
        RULE,
        "the optimizer goes on with the parameters of what was here before",
        ("replaced here", "took the parameters here", "steps here"),
    )


def _replaced(m: Machine, ref: Ref, name: object, op: ops.Op) -> None:
    """Note the optimizers that hold parameters of the module whose part is bound anew."""
    if ref.obj.kind not in ("module", "tenure-module") or not isinstance(op, ops.SetAttr | ops.SetItem):
        return
    given = m.get(op.src)
    if not given or any(one.obj.kind not in ("module", "tenure-module", "tensor", "var") for one in given):
        return
    if any(one.obj.kind in ("tensor", "var") and not one.obj.leaf for one in given):
        return
    if any(_wraps(m, one.obj, ref.obj, name) for one in given):
        return
    for holder, value in list(m.state.cells.items()):
        held = isinstance(holder, tuple) and holder[1] == "*" and holder[0].kind in _OPTIMIZERS
        if held and not m.divided and any(_of(m, one.obj, ref.obj) for one in value):
            _stale(m)[holder[0]] = op.node  # type: ignore[index]


def _wraps(m: Machine, new: Obj, module: Obj, place: object) -> bool:
    """Whether what is put into a module was a part of it, or was made around one: its parameters stay."""
    held = [new, *(ref.obj for _, value in m.state.fields(new) for ref in value)]
    if isinstance(new.node, ast.Call):
        mark = "" if m.frame is None else f"·{m.frame.number}"
        names = [one.id for one in new.node.args if isinstance(one, ast.Name)]
        held += [ref.obj for name in names for ref in m.state.cells.get(name + mark, ())]
        if any(isinstance(one, ast.Attribute) and one.attr == place for one in new.node.args):
            return True
    held = [one for one in held if one.kind in ("module", "tensor") and one is not new]
    return new.lies_in(module) or any(one.lies_in(module) or m.state.holds(module, one) for one in held)


def _of(m: Machine, parameter: Obj, module: Obj) -> bool:
    """Whether something an optimizer holds is all parameters of a module, or of one that it is a part of."""
    return parameter.deep and parameter.owner is not None and m.state.holds(parameter.owner, module)


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    if write.text != ".step(…)" or not isinstance(m.op, ops.Call) or not (stale := _stale(m)):
        return
    for optimizer in m.get(m.op.receiver):
        if optimizer.obj in stale and not optimizer.obj.summary:
            note(m, RULE.name, stale[optimizer.obj], optimizer.obj.node, write.node)


def _stale(m: Machine) -> dict[Obj, ast.AST]:
    """The optimizers whose parameters were replaced, each with where."""
    return m.notes(RULE.name, dict)


RULE = Rule(
    name="replaced-after-optimizer",
    code="TN506",
    sentence="a module keeps its parts while an optimizer has their parameters",
    reason=(
        "An optimizer holds the parameters that it was given. A layer that is bound afterwards has others, "
        "which no step changes."
    ),
    wrong="""\
import torch
from torch import nn
net = nn.Sequential(nn.Linear(2, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
net.head = nn.Linear(2, 1)
net(torch.ones(1, 2)).sum().backward()
opt.step()
""",
    right="""\
import torch
from torch import nn
net = nn.Sequential(nn.Linear(2, 2))
net.head = nn.Linear(2, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
net(torch.ones(1, 2)).sum().backward()
opt.step()
""",
    help="make the optimizer afterwards, or give it the new parameters by `add_param_group`",
    check=_check,
    on=Events(replaced=(_replaced,), written=(_written,)),
)
