"""The rule closure-captures-loop-variable (TN506)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts, own_nodes
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import bound_names, parameters
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    events = [*_loops(facts), *_comprehensions(facts)]
    message = "this function reads `{text}` later, when the loop has changed it"
    return reports_of(facts, RULE, events, message, ("made here", "the loop binds `{text}` anew"))


def _comprehensions(facts: Facts) -> Iterator[Event]:
    """`[lambda: k for k in ...]`"""
    if "lambda" not in facts.source.text:
        return
    pairs = [(node.elt, node.generators) for node in facts.nodes(ast.ListComp)]
    pairs += [(node.value, node.generators) for node in facts.nodes(ast.DictComp)]
    for element, generators in pairs:
        if not isinstance(element, ast.Lambda):
            continue
        for generator in generators:
            for name in bound_names([generator.target]) & _reads(element):
                yield Event(facts.source.path, RULE.name, (element, generator.target), text=name)


def _loops(facts: Facts) -> Iterator[Event]:
    scopes = [scope for scope in facts.scopes if scope.of(ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)]
    for loop in [loop for scope in scopes for loop in scope.of(ast.For)]:
        if not (facts.mentions(loop, "lambda") or facts.mentions(loop, "def")):
            continue
        inside = bound_names(loop.body)
        targets = bound_names([loop.target])
        named: dict[str, ast.AST] = {}
        for node in own_nodes(loop.body):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                named[node.name] = node
            for function in _kept(node, named, inside):
                for name in sorted(targets & _reads(function)):
                    yield Event(facts.source.path, RULE.name, (function, loop), text=name)


def _kept(node: ast.AST, named: dict[str, ast.AST], inside: set[str]) -> Iterator[ast.AST]:
    """Functions that a statement of the loop puts into something made outside of it."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=into), attr="append" | "add" | "appendleft"), args=[given]):
            if into in inside:
                return
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=into))], value=given):
            if into in inside:
                return
        case _:
            return
    if isinstance(given, ast.Lambda):
        yield given
    elif isinstance(given, ast.Name) and given.id in named:
        yield named[given.id]


def _reads(function: ast.AST) -> set[str]:
    """The variables that a function reads from outside when it is called."""
    body = function.body if isinstance(function, ast.Lambda) else None
    parts = [body] if body is not None else list(getattr(function, "body", ()))
    loads = {
        node.id
        for part in parts
        for node in ast.walk(part)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return loads - {given.arg for given in parameters(function)} - bound_names(parts)


RULE = Rule(
    name="closure-captures-loop-variable",
    code="TN506",
    sentence="a function made in a loop does not outlive the round whose variable it reads",
    reason=(
        "A function reads variables when it runs, not when it is made. After the loop all of them see the last value."
    ),
    wrong="""\
fs = []
for k in range(3):
    fs.append(lambda x: x * k)
print([f(1) for f in fs])
""",
    right="""\
fs = []
for k in range(3):
    fs.append(lambda x, k=k: x * k)
print([f(1) for f in fs])
""",
    help="bind the value as a default: `lambda x, k=k: ...`",
    check=_check,
)
