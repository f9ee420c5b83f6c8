"""The rule grad-not-cleared (TN506)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts, own_nodes
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import bound_names, walk
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


_CLEARING = frozenset(("zero_grad", "zero_", "set_to_none", "clear_grad", "manual_backward", "zero_grads"))


def _check(facts: Facts) -> Iterator[Diagnostic]:
    words = ("steps with the sum of all gradients", "added to here")
    return reports_of(facts, RULE, _events(facts), "the gradients of earlier rounds are never cleared", words)


def _events(facts: Facts) -> Iterator[Event]:
    for scope in facts.looping("backward"):
        body = list(own_nodes(scope.body))
        if any(_clears(node) for node in body):
            continue
        made = {name for node in body for name, _ in _optimizers(facts, node)}
        for loop in body:
            if not made or not isinstance(loop, ast.For | ast.While):
                continue
            inside = list(own_nodes(loop.body))
            steps = [node for node in inside if _calls(node, "step", made - _made_anew(facts, loop, inside))]
            backward = [node for node in inside if _calls(node, "backward", None)]
            calls = [node for node in inside if isinstance(node, ast.Call)]
            given = {arg.id for call in calls for arg in call.args if isinstance(arg, ast.Name)}
            if steps and backward and not given & made:
                yield Event(facts.source.path, RULE.name, (steps[0], backward[0]))
                break


def _clears(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr=name) if name in _CLEARING:
            return True
        case ast.Assign(targets=[*_, ast.Attribute(attr="grad")]):
            return True
    return False


def _made_anew(facts: Facts, loop: ast.For | ast.While, inside: list[ast.AST]) -> set[str]:
    """The optimizers that each round of a loop makes, of things that it makes as well."""
    bound = bound_names(loop.body)
    return {name for node in inside for name, given in _optimizers(facts, node) if given & bound}


def _optimizers(facts: Facts, node: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """A variable bound to an optimizer, and the variables in the optimizer's arguments."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func, args=[given, *_])):
            target = facts.program.resolve(facts.module, func)
            known = isinstance(target, str) and target.startswith(("torch.optim.", "tenure.optim."))
            others = any(part in str(target) for part in ("lr_scheduler", "swa_utils"))
            if known and not others and not str(target).endswith("LBFGS"):
                yield name, {part.id for part in walk(given) if isinstance(part, ast.Name)}


def _calls(node: ast.AST, method: str, on: set[str] | None) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr == method:
            return on is None or (isinstance(value, ast.Name) and value.id in on)
    return False


RULE = Rule(
    name="grad-not-cleared",
    code="TN506",
    sentence="gradients are cleared between the steps of an optimizer",
    reason=("`backward()` adds to the gradients. Without `zero_grad()` each step uses the sum of all earlier ones."),
    wrong="""\
import torch
w = torch.ones(1, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
for x in data:
    loss = (w * x).sum()
    loss.backward()
    opt.step()
""",
    right="""\
import torch
w = torch.ones(1, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
for x in data:
    opt.zero_grad()
    loss = (w * x).sum()
    loss.backward()
    opt.step()
""",
    help="call `optimizer.zero_grad()` in each round",
    check=_check,
)
