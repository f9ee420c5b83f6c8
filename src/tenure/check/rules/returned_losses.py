"""Steps that return the loss that they went backward through, graph and all: `return loss` behind `loss.backward()`."""

import ast
from collections.abc import Callable, Iterator
from functools import partial

from tenure.check.facts import Facts, own_nodes
from tenure.check.rules.growth import made_plain
from tenure.check.scope import Scope

__all__ = ["repeated_steps", "returned_losses"]

_Passed = Callable[[ast.AST], set[str]]
"""The variables that a node goes backward through."""


def repeated_steps(facts: Facts, passed: _Passed) -> Iterator[Scope]:
    """The bodies that have loops and no backward pass of their own, in modules with a step that returns its loss."""
    if "backward" not in facts.source.text or not _steps(facts, passed):
        return
    own = list(facts.looping("backward"))
    for scope in facts.scopes:
        if scope not in own and not isinstance(scope.node, ast.ClassDef) and scope.of(ast.For, ast.While):
            yield scope


def returned_losses(facts: Facts, scope: Scope, inside: list[ast.AST], passed: _Passed) -> dict[str, ast.AST]:
    """The losses that a suite gets from steps, each with the call: variables, and the texts of the calls."""
    if "backward" not in facts.source.text:
        return {}
    steps = _steps(facts, passed)
    found: dict[str, ast.AST] = {}
    for node in inside if steps else ():
        if isinstance(node, ast.Call) and (places := _places(facts, scope, node, steps)) and None in places:
            found[ast.unparse(node)] = node
        match node:
            case ast.Assign(targets=[target], value=ast.Call() as call):
                parts = list(target.elts) if isinstance(target, ast.Tuple) else []
                for place in _places(facts, scope, call, steps):
                    one = target if place is None else parts[place] if place < len(parts) else None
                    if isinstance(one, ast.Name):
                        found[one.id] = call
    return found


def _places(facts: Facts, scope: Scope, call: ast.Call, steps: dict[ast.AST, set[int | None]]) -> set[int | None]:
    """The places of a call's result that are losses; None is the whole."""
    match call.func:
        case ast.Name(id=name) if name not in scope.locals or isinstance(scope.node, ast.Module):
            named = [one for one in steps if getattr(one, "name", "") == name and facts.owner_of(one) is None]
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            owner = facts.owner_of(scope.node)
            named = [one for one in steps if getattr(one, "name", "") == name and facts.owner_of(one) is owner]
        case _:
            named = []
    return steps[named[0]] if len(named) == 1 else set()


def _steps(facts: Facts, passed: _Passed) -> dict[ast.AST, set[int | None]]:
    """The functions of the module that return a loss, each with the places of its result that are one."""
    return facts.noted_of("returned losses", partial(_found, facts, passed))


def _found(facts: Facts, passed: _Passed) -> dict[ast.AST, set[int | None]]:
    found: dict[ast.AST, set[int | None]] = {}
    for scope in facts.mentioning("backward"):
        if not isinstance(scope.node, ast.FunctionDef) or scope.node.decorator_list:
            continue
        inside = list(own_nodes(scope.body))
        losses = set().union(*map(passed, inside)) - made_plain(inside)
        places: set[int | None] = set()
        for one in scope.of(ast.Return) if losses else ():
            parts = one.value.elts if isinstance(one.value, ast.Tuple) else []
            places |= {at for at, part in enumerate(parts) if isinstance(part, ast.Name) and part.id in losses}
            if isinstance(one.value, ast.Name) and one.value.id in losses:
                places.add(None)
        if places:
            found[scope.node] = places
    return found
