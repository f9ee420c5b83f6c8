"""The rule hooked-output-overwritten (TN506)."""

from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.functions import outer_examples, summarize
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.summaries import Given
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.scope import parameters
from tenure.check.values import Obj, Ref, Value
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts, RULE, "the output that this hook keeps is overwritten by the next layer", ("kept here", "works in place")
    )


def _hooked(m: Machine, refs: list[Ref], op: ops.Call) -> None:
    """A hook that keeps a layer's output, where the next layer overwrites it."""
    if not op.method.startswith("register_forward_hook") or not op.args:
        return
    following = [ref for one in refs for ref in _layer_behind(m, one.obj)]
    in_place = next((ref.obj for ref in following if ref.obj.text == "in-place"), None)
    if in_place is None:
        return
    for hook in m.get(op.args[0][0]):
        function = hook.obj.target
        if not isinstance(function, ops.Function):
            continue
        names = [given.arg for given in parameters(function.node)]
        examples = {names[2]: Obj("tensor")} if len(names) > 2 else {}
        summary = summarize(m, function, outer_examples(m, function) | examples)
        kept = [one for _, _, value in summary.stores for one in value if isinstance(one, Given)]
        if len(names) > 2 and any(one.path.name == names[2] for one in kept):
            note(m, RULE.name, op.node, in_place.node)


def _layer_behind(m: Machine, layer: Obj) -> Value:
    """The next layer in the sequence that holds a layer."""
    for holder, value in list(m.state.cells.items()):
        match holder:
            case (Obj(kind="module") as sequence, int(at)) if any(ref.obj is layer for ref in value):
                return m.state.cells.get((sequence, at + 1), ())
    return ()


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
    on=Events(hooked=(_hooked,)),
)
