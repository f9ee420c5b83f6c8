"""The rule graph-kept-by-accumulation (TN382)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts, own_nodes
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import bound_names
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    words = ("added here, graph and all", "its backward pass is done here")
    return reports_of(facts, RULE, _events(facts), "`{text}` keeps the graph of every round", words)


def _events(facts: Facts) -> Iterator[Event]:
    for scope in facts.looping("backward"):
        if not scope.of(ast.AugAssign):
            continue
        body = list(own_nodes(scope.body))
        for loop in body:
            if not isinstance(loop, ast.For | ast.While):
                continue
            inside = list(own_nodes(loop.body))
            done = {name: node for node in inside if (name := _differentiated(node)) is not None}
            bound = bound_names(loop.body)
            everywhere = {_differentiated(node) for node in body}
            for node in inside:
                total, loss = _adds(node)
                if total is None or loss is None or loss not in done or loss not in bound or total in everywhere:
                    continue
                if total not in bound - _augmented(inside):
                    yield Event(facts.source.path, RULE.name, (node, done[loss]), text=total)


def _augmented(nodes: list[ast.AST]) -> set[str]:
    plain = {
        target.id
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    added = {node.target.id for node in nodes if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)}
    return added - plain


def _differentiated(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="backward")):
            return name
    return None


def _adds(node: ast.AST) -> tuple[str | None, str | None]:
    match node:
        case ast.AugAssign(target=ast.Name(id=total), op=ast.Add(), value=ast.Name(id=loss)):
            return total, loss
    return None, None


RULE = Rule(
    name="graph-kept-by-accumulation",
    code="TN382",
    sentence="what is kept for a report is a number, not a graph",
    reason="A sum of losses keeps the graph of every one of them alive until it is dropped.",
    wrong="""\
import torch
w = torch.ones(1, requires_grad=True)
total = 0.0
for x in data:
    loss = (w * x).sum()
    loss.backward()
    total += loss
print(total)
""",
    right="""\
import torch
w = torch.ones(1, requires_grad=True)
total = 0.0
for x in data:
    loss = (w * x).sum()
    loss.backward()
    total += loss.item()
print(total)
""",
    help="keep the number: `total += loss.item()` (or `.detach()`)",
    check=_check,
)
