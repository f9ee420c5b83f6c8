"""The rule graph-kept-by-accumulation (TN382)."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts, own_nodes
from tenure.check.rules.growth import assignments, grows, holds_graph, kept, made_plain, reset, sum_of_itself
from tenure.check.rules.kept_averages import averages, quiet
from tenure.check.rules.kept_by_hooks import kept_by_hooks
from tenure.check.rules.kept_over_episodes import kept_over_episodes
from tenure.check.rules.returned_losses import repeated_steps, returned_losses
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import Scope, bound_names, last_name, parameters
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


_STEP = "training_step"
"""The method of a module whose result a framework goes backward through."""


def _check(facts: Facts) -> Iterator[Diagnostic]:
    words = ("added here, graph and all", "its backward pass is done here")
    yield from reports_of(facts, RULE, _events(facts), "`{text}` keeps the graph of every round", words)
    lasting = (*averages(facts), *kept_by_hooks(facts))
    means = (Event(facts.source.path, RULE.name, (node,), text=name) for node, name in lasting)
    yield from reports_of(facts, RULE, means, "`{text}` keeps the graph of every value it took in", words)
    again = (Event(facts.source.path, RULE.name, (a, b), text=name) for a, b, name in kept_over_episodes(facts))
    words = ("goes through the graphs of all episodes", "added here, and never taken out")
    emptied = replace(RULE, help="empty the list once it was used: `log_probs.clear()`")
    yield from reports_of(facts, emptied, again, "`{text}` still has the graphs of earlier rounds", words)


def _events(facts: Facts) -> Iterator[Event]:
    for scope, body, own in _rounds(facts):
        everywhere = set().union(*(_differentiated(node) for node in own_nodes(scope.body)))
        inside = list(own_nodes(body))
        done = {name: node for node in inside for name in (_differentiated(node) or _handed_back(scope, node))}
        done = _with_displays(inside, _terms(inside, done))
        calls = returned_losses(facts, scope, inside, _differentiated)
        bound = bound_names(body) | own
        losses = {name for name in done if _root_of(name) in bound and name != "self"} - made_plain(inside)
        losses |= calls.keys() - made_plain(inside)
        done = {**calls, **done}
        if not losses:
            continue
        silent = quiet(inside)
        steady = _steady(inside)
        anew = {ast.unparse(target) for target, _ in assignments(steady)}
        for node in inside:
            for total, value in (*grows(node), *kept(facts, scope, node)):
                used = [loss for loss in sorted(losses) if holds_graph(value, loss, node)]
                used = [loss for loss in used if not _bound_between(inside, loss, done[loss], node)]
                if not used or total in everywhere or total in losses:
                    continue
                if node in silent and not isinstance(node, ast.Call):
                    continue
                if _root_of(total) not in _fresh(body, own, anew) and not reset(total, node, steady):
                    yield Event(facts.source.path, RULE.name, (node, done[used[0]]), text=total)


def _rounds(facts: Facts) -> Iterator[tuple[Scope, list[ast.stmt], set[str]]]:
    """The suites that are run again and again, each with its body and the variables that each round is given.

    Those of loops, and of methods that a loop of the module calls: these bind anew all but what the object keeps.
    """
    for scope in facts.looping("backward"):
        for loop in scope.of(ast.For, ast.While):
            yield scope, loop.body, bound_names([loop.target]) if isinstance(loop, ast.For) else set()
    for scope in repeated_steps(facts, _differentiated):
        for loop in scope.of(ast.For, ast.While):
            yield scope, loop.body, bound_names([loop.target]) if isinstance(loop, ast.For) else set()
    for scope in facts.mentioning("backward"):
        node = scope.node
        if not isinstance(node, ast.FunctionDef):
            continue
        own = {one.arg for one in parameters(node)} - {"self"}
        lasting = facts.noted_of("called in loops", partial(_called_in_loops, facts)).get(node.name)
        if lasting is None:
            continue
        if facts.owner_of(node) is not None and not scope.of(ast.For, ast.While):
            yield scope, node.body, own
        elif facts.owner_of(node) is None:
            positions = [one.arg for one in parameters(node)]
            yield scope, node.body, own - {name for at, name in enumerate(positions) if at in lasting}
    for scope in facts.mentioning(_STEP):
        if getattr(scope.node, "name", "") == _STEP and not facts.mentions(scope.node, "backward"):  # type: ignore[arg-type]
            yield scope, scope.body, {one.arg for one in parameters(scope.node)} - {"self"}


def _called_in_loops(facts: Facts) -> dict[str, set[int]]:
    """The functions that loops call, each with the positions of arguments that are the same in every round."""
    found: dict[str, set[int]] = {}
    for loop in (loop for scope in facts.scopes for loop in scope.of(ast.For, ast.While)):
        bound = bound_names([loop])
        for call in own_nodes(loop.body):
            if isinstance(call, ast.Call):
                names = [one.id if isinstance(one, ast.Name) else "" for one in call.args]
                lasting = {at for at, name in enumerate(names) if name and name not in bound}
                name = last_name(call.func)
                found[name] = found.get(name, lasting) & lasting
    return found


def _handed_back(scope: Scope, node: ast.AST) -> set[str]:
    """The losses that a step returns to the framework, which goes backward through them."""
    if getattr(scope.node, "name", "") != _STEP:
        return set()
    match node:
        case ast.Return(value=ast.Name(id=name)):
            return {name}
        case ast.Return(value=ast.Dict(keys=[ast.Constant(value="loss"), *_], values=[ast.Name(id=name), *_])):
            return {name}
    return set()


def _with_displays(inside: list[ast.AST], done: dict[str, ast.AST]) -> dict[str, ast.AST]:
    """The losses, and the variables with a display that has one: `log = {"loss": loss}`."""
    for node in inside:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(values=parts) | ast.Tuple(elts=parts)):
                held = [done[one.id] for one in parts if isinstance(one, ast.Name) and one.id in done]
                for passed in held[:1]:
                    done.setdefault(name, passed)
    return done


def _terms(inside: list[ast.AST], done: dict[str, ast.AST]) -> dict[str, ast.AST]:
    """The losses that a backward pass goes through, and those that were added up to them: `loss = loss + value`."""
    for node in reversed(inside):
        for total, value in grows(node):
            if total in done and not isinstance(node, ast.Call):
                done |= {name: done[total] for name in _summands(value) if name not in done}
    return done


def _summands(value: ast.expr) -> list[str]:
    match value:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [*_summands(left), *_summands(right)]
        case ast.Name(id=name):
            return [name]
    return []


def _bound_between(inside: list[ast.AST], name: str, done: ast.AST, node: ast.AST) -> bool:
    """Whether a variable is bound anew behind a backward pass and before it is added."""
    root = _root_of(name)
    lines = [one.lineno for one in inside if isinstance(one, ast.Name | ast.Subscript) and _stored(one) == root]
    return any(_line(done) < line < _line(node) for line in lines)


def _stored(node: ast.Name | ast.Subscript) -> str:
    """The variable that is bound here, or has an item bound."""
    at = node.value if isinstance(node, ast.Subscript) else node
    return at.id if isinstance(at, ast.Name) and isinstance(node.ctx, ast.Store) else ""


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)


def _steady(inside: list[ast.AST]) -> list[ast.AST]:
    """The nodes of a round but for those of every so many (`if i % 100 == 0`), unless an optimizer steps there."""
    rare: set[ast.AST] = set()
    for node in inside:
        if isinstance(node, ast.If) and any(isinstance(one, ast.Mod) for one in ast.walk(node.test)):
            below = {part for one in node.body for part in ast.walk(one)}
            if not any(isinstance(one, ast.Attribute) and one.attr == "step" for one in below):
                rare |= below
    return [node for node in inside if node not in rare]


def _fresh(body: list[ast.stmt], own: set[str], anew: set[str]) -> set[str]:
    """The variables that each round makes anew."""
    return own | {name for name in anew if name.isidentifier()} - _only_added(body)


def _only_added(body: list[ast.stmt]) -> set[str]:
    """The variables whose every assignment is `total = total + ...`."""
    values: dict[str, list[bool]] = {}
    for target, value in assignments(list(own_nodes(body))):
        if isinstance(target, ast.Name):
            values.setdefault(target.id, []).append(sum_of_itself(target, value) is not None)
    return {name for name, found in values.items() if all(found)}


def _differentiated(node: ast.AST) -> set[str]:
    """The variables whose graph a backward pass goes through: `loss.backward()`, `scaler.scale(loss).backward()`."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name() | ast.Attribute() as loss, attr="backward"), args=[]):
            return {ast.unparse(loss)}
        case ast.Call(func=ast.Attribute(value=ast.Subscript(value=ast.Name(id=name)) as loss, attr="backward")):
            # The table that has the loss keeps its graph, too.
            return {ast.unparse(loss), name}
        case ast.Call(func=ast.Attribute(value=ast.Call(args=[ast.Name(id=name)]), attr="backward")):
            return {name}
        case ast.Call(func=ast.Attribute(value=ast.BinOp(left=ast.Name(id=name)) as loss, attr="backward")):
            return {name, *_summands(loss)}
        case ast.Call(func=ast.Attribute(attr="backward" | "manual_backward"), args=[ast.Name(id=name)]):
            return {name}
    return set()


def _root_of(text: str) -> str:
    return re.split(r"[.\[]", text)[0]


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
    help="keep the number, `loss.item()`, or the tensor without its graph, `loss.detach()`",
    check=_check,
)
