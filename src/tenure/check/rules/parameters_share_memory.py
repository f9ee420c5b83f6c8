"""The rule parameters-share-memory (TN506)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.scope import last_name
from tenure.check.values import Obj, Ref, Value, one_object
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts,
        RULE,
        "two parameters are one piece of memory: a step on one changes the other",
        ("the second one is made here", "the first one here"),
    )


def _captured(m: Machine, obj: Obj, name: object, value: Value, register: int | None) -> None:
    """Note a parameter whose tensor another parameter shows already."""
    if obj.kind != "module" and obj.kind not in ("list", "dict"):
        return
    if not one_object(value):
        return
    here = m.nodes.get(register) if register is not None else None
    if not isinstance(here, ast.Call) or last_name(here.func) != "Parameter":
        return
    for ref in value:
        if not _is_parameter(ref):
            continue
        base = ref.obj.base
        known: dict[object, dict[ast.AST, object]] = m.notes(RULE.name, dict)
        others = known.setdefault((base, ref.obj.region), {})
        first = next((other for other, held in others.items() if other is not here and held != (obj, name)), None)
        if first is None and here in others and m.repeating and _stays(m, ref.obj):
            first = here
        others[here] = (obj, name)
        if first is not None and base is not None and not base.summary:
            note(m, RULE.name, here, first)


def _stays(m: Machine, obj: Obj) -> bool:
    """Whether the rounds of a loop meet the same memory: none made in the round, and no part at an unknown place."""
    at: Obj | None = obj
    while at is not None:
        if any(component[0] == "?" for component in at.region):
            return False
        at = at.base
    return obj.root() not in m.state.fresh


def _is_parameter(ref: Ref) -> bool:
    obj = ref.obj
    return obj.kind == "tensor" and obj.leaf and obj.base is not None and obj.base.kind == "tensor" and not obj.maybe


RULE = Rule(
    name="parameters-share-memory",
    code="TN506",
    sentence="each parameter has memory of its own",
    reason="`nn.Parameter(t)` shows t and copies nothing. Two parameters of one t are changed by each other's steps.",
    wrong="""\
import torch
from torch import nn
class Scale(nn.Module):
    def __init__(self, n):
        super().__init__()
        start = torch.zeros(n)
        self.gain = nn.Parameter(start)
        self.bias = nn.Parameter(start)
""",
    right="""\
import torch
from torch import nn
class Scale(nn.Module):
    def __init__(self, n):
        super().__init__()
        start = torch.zeros(n)
        self.gain = nn.Parameter(start.clone())
        self.bias = nn.Parameter(start.clone())
""",
    help="copy: `nn.Parameter(t.clone())`; to tie two weights, use one parameter for both",
    check=_check,
    on=Events(captured=(_captured,)),
)
