"""Backtracking: a list that a function appends to, and takes back from, around a call of itself, is one list.

if done: found.append(path)     path.append(x); search(path); path.pop()
"""

import ast
from collections.abc import Iterator

from tenure.check.facts import Facts, own_nodes
from tenure.check.scope import last_name

__all__ = ["kept_by_recursion"]

_TAKING_BACK = frozenset(("pop", "remove"))


def kept_by_recursion(facts: Facts) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """The statements that store such a list, each with where it is taken back, and its name."""
    for scope in facts.mentioning("append"):
        function = scope.node
        if not isinstance(function, ast.FunctionDef):
            continue
        inside = list(own_nodes(function.body))
        if not any(isinstance(one, ast.Call) and last_name(one.func) == function.name for one in inside):
            continue
        taken = dict(_taken_back(inside))
        grown = {text for one in inside for text, _ in _appended(one)}
        anew = {ast.unparse(at) for one in inside if isinstance(one, ast.Assign) for at in one.targets}
        for one in inside:
            for target, value in _appended(one):
                text = ast.unparse(value)
                if text in taken and text in grown and text not in anew and target != text:
                    yield one, taken[text], text


def _taken_back(inside: list[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for node in inside:
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _TAKING_BACK:
                yield ast.unparse(value), node
            case ast.Delete(targets=[ast.Subscript(value=value)]):
                yield ast.unparse(value), node


def _appended(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr="append"), args=[given]):
            yield ast.unparse(value), given
