"""The rule graph-kept-by-accumulation (TN382)."""

import ast
import re
from collections.abc import Iterator
from functools import partial

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts, own_nodes
from tenure.check.program import ClassInfo
from tenure.check.rules.kept_averages import averages, quiet
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import Scope, bound_names, last_name, parameters
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    words = ("added here, graph and all", "its backward pass is done here")
    yield from reports_of(facts, RULE, _events(facts), "`{text}` keeps the graph of every round", words)
    kept = (Event(facts.source.path, RULE.name, (node,), text=name) for node, name in averages(facts))
    yield from reports_of(facts, RULE, kept, "`{text}` keeps the graph of every value it took in", words)


_KEEPING = frozenset(("mean", "sum", "cpu", "clone", "view", "squeeze", "reshape", "to", "float"))
"""Methods whose result still has the graph."""

_PLAIN = frozenset(("item", "detach", "tolist", "numpy", "detach_"))


def _events(facts: Facts) -> Iterator[Event]:
    for scope in facts.looping("backward"):
        everywhere = set().union(*(_differentiated(node) for node in own_nodes(scope.body)))
        for loop in scope.of(ast.For, ast.While):
            inside = list(own_nodes(loop.body))
            done = {name: node for node in inside for name in _differentiated(node)}
            bound = bound_names(loop.body) | (bound_names([loop.target]) if isinstance(loop, ast.For) else set())
            losses = {name for name in done if _root_of(name) in bound and name != "self"} - _made_plain(inside)
            if not losses:
                continue
            silent = quiet(inside)
            steady = _steady(inside)
            reset = {ast.unparse(target) for target, _ in _assignments(steady)}
            for node in inside:
                for total, value in (*_grows(node), *_through(facts, scope, node)):
                    used = [loss for loss in sorted(losses) if _holds_graph(value, loss, node)]
                    used = [loss for loss in used if not _bound_between(inside, loss, done[loss], node)]
                    if not used or total in everywhere or total in losses:
                        continue
                    if node in silent and not isinstance(node, ast.Call):
                        continue
                    if _root_of(total) not in _fresh(loop, reset) and not _reset(total, node, steady):
                        yield Event(facts.source.path, RULE.name, (node, done[used[0]]), text=total)


def _bound_between(inside: list[ast.AST], name: str, done: ast.AST, node: ast.AST) -> bool:
    """Whether a variable is bound anew behind a backward pass and before it is added."""
    lines = [one.lineno for one in inside if isinstance(one, ast.Name) and one.id == name and _stored(one)]
    return any(_line(done) < line < _line(node) for line in lines)


def _stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


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


def _fresh(loop: ast.For | ast.While, reset: set[str]) -> set[str]:
    """The variables that each round makes anew."""
    own = bound_names([loop.target]) if isinstance(loop, ast.For) else set()
    return own | {name for name in reset if name.isidentifier()} - _only_added(loop)


def _only_added(loop: ast.For | ast.While) -> set[str]:
    """The variables whose every assignment is `total = total + ...`."""
    values: dict[str, list[bool]] = {}
    for target, value in _assignments(list(own_nodes(loop.body))):
        if isinstance(target, ast.Name):
            values.setdefault(target.id, []).append(_sum_of_itself(target, value) is not None)
    return {name for name, found in values.items() if all(found)}


def _reset(total: str, node: ast.AST, inside: list[ast.AST]) -> bool:
    """Whether the loop also empties what grows."""
    for other in inside:
        match other:
            case ast.Call(func=ast.Attribute(value=value, attr="clear" | "pop" | "popleft")):
                if ast.unparse(value) == total:
                    return True
            case ast.Assign(targets=targets, value=value) if other is not node:
                for target in targets:
                    if ast.unparse(target) == total and _sum_of_itself(target, value) is None:
                        return True
    return False


def _assignments(inside: list[ast.AST]) -> Iterator[tuple[ast.expr, ast.expr]]:
    for node in inside:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                    yield part, node.value


def _made_plain(inside: list[ast.AST]) -> set[str]:
    """The losses that become numbers in the round: `loss = loss.item()`."""
    found = set()
    for target, value in _assignments(inside):
        if isinstance(target, ast.Name) and any(
            (isinstance(node, ast.Attribute) and node.attr in (*_PLAIN, "data"))
            or (isinstance(node, ast.Call) and last_name(node.func) == "float")
            for node in ast.walk(value)
        ):  # fmt: skip
            found.add(target.id)
    return found


def _differentiated(node: ast.AST) -> set[str]:
    """The variables whose graph a backward pass goes through: `loss.backward()`, `scaler.scale(loss).backward()`."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name() | ast.Attribute() as loss, attr="backward"), args=[]):
            return {ast.unparse(loss)}
        case ast.Call(func=ast.Attribute(value=ast.Call(args=[ast.Name(id=name)]), attr="backward")):
            return {name}
        case ast.Call(func=ast.Attribute(value=ast.BinOp(left=ast.Name(id=name)), attr="backward")):
            return {name}
        case ast.Call(func=ast.Attribute(attr="backward" | "manual_backward"), args=[ast.Name(id=name)]):
            return {name}
    return set()


def _grows(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The target that a statement adds to, and the value it adds."""
    match node:
        case ast.AugAssign(target=total, op=ast.Add(), value=value):
            yield ast.unparse(total), value
        case ast.Assign(targets=[total], value=value) if (added := _sum_of_itself(total, value)) is not None:
            yield ast.unparse(total), added
        case ast.Call(func=ast.Attribute(value=total, attr="append"), args=[value]):
            yield ast.unparse(total), value


def _through(facts: Facts, scope: Scope, node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The values that a method adds to attributes of its object: `meter.update(loss)`."""
    match node:
        case ast.Call(func=ast.Attribute(value=receiver, attr=name), args=given) if given:
            info = _class_of(facts, scope, receiver)
            method = facts.program.find_method(info, name) if info is not None else None
            body = getattr(method.node, "body", []) if method is not None else []
            names = [one.arg for one in parameters(method.node)[1:]] if method is not None else []
            for one in own_nodes(body):
                for total, value in _grows(one):
                    for at, parameter in enumerate(names[: len(given)]):
                        if total.startswith("self.") and _holds_graph(value, parameter, one):
                            yield ast.unparse(receiver), given[at]


def _assigned(scope: Scope) -> dict[str, list[ast.expr]]:
    """The values that a body assigns to each variable and attribute."""
    found: dict[str, list[ast.expr]] = {}
    for one in scope.of(ast.Assign):
        for target in {ast.unparse(target): None for target in one.targets}:
            found.setdefault(target, []).append(one.value)
    return found


def _class_of(facts: Facts, scope: Scope, receiver: ast.expr) -> ClassInfo | None:
    """The class of the tree that a variable or attribute is made from, where one assignment shows it."""
    text = ast.unparse(receiver)
    scopes = [scope] if isinstance(receiver, ast.Name) else facts.scopes
    tables = [facts.noted_of(("assigned", at), partial(_assigned, at)) for at in scopes]
    values = [value for table in tables for value in table.get(text, ())]
    if len(values) != 1 or not isinstance(values[0], ast.Call):
        return None
    found = facts.program.resolve(facts.module, values[0].func)
    return found if isinstance(found, ClassInfo) else None


def _sum_of_itself(total: ast.expr, value: ast.expr) -> ast.expr | None:
    """The other term of `total = total + term`."""
    match value:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            if ast.unparse(left) == ast.unparse(total):
                return right
            if ast.unparse(right) == ast.unparse(total):
                return left
    return None


def _holds_graph(value: ast.expr, loss: str, node: ast.AST) -> bool:
    """Whether an expression made of a loss still has its graph."""
    match value:
        case ast.Name() | ast.Attribute():
            return ast.unparse(value) == loss
        case ast.BinOp(left=left, right=right):
            return _holds_graph(left, loss, node) or _holds_graph(right, loss, node)
        case ast.Call(func=ast.Attribute(value=inner, attr=method)) if method in _KEEPING:
            return _holds_graph(inner, loss, node)
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Dict(values=parts):
            return isinstance(node, ast.Call) and any(_holds_graph(part, loss, node) for part in parts)
    return False


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
