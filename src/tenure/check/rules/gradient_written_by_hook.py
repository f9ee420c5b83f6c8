"""The rule gradient-written-by-hook (TN506)."""

from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.functions import outer_examples, summarize
from tenure.check.analysis.machine import Machine
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.scope import parameters
from tenure.check.values import Obj, Ref
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts, RULE, "this hook writes the gradient that it is given", ("written here", "registered here")
    )


def _hooked(m: Machine, refs: list[Ref], op: ops.Call) -> None:
    """A hook of a tensor that writes its argument in place."""
    if op.method != "register_hook" or not op.args:
        return
    for hook in m.get(op.args[0][0]):
        function = hook.obj.target
        if not isinstance(function, ops.Function):
            continue
        bound = m.state.cells.get((hook.obj, "self"))
        names = [given.arg for given in parameters(function.node)][1 if bound else 0 :]
        if not names:
            continue
        summary = summarize(m, function, outer_examples(m, function) | {names[0]: Obj("tensor")})
        for act in summary.acts.values():
            if act.sort == "write" and act.path.name == names[0] and not act.path.outer and act.certain:
                note(m, RULE.name, act.write.node, op.node)
                break


RULE = Rule(
    name="gradient-written-by-hook",
    code="TN506",
    sentence="a hook of a tensor returns another gradient, and does not write the one it is given",
    reason="Several nodes of the graph may be given one gradient: what a hook writes in place reaches all of them.",
    wrong="""\
import torch
x = torch.ones(3, requires_grad=True)
h = x * 2
h.register_hook(lambda grad: grad.clamp_(-1, 1))
""",
    right="""\
import torch
x = torch.ones(3, requires_grad=True)
h = x * 2
h.register_hook(lambda grad: grad.clamp(-1, 1))
""",
    help="return a new gradient: `grad * 0.5` instead of `grad.mul_(0.5)`",
    check=_check,
    on=Events(hooked=(_hooked,)),
)
