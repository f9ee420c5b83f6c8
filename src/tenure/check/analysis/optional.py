"""Optional containers that a function fills as if they were its own: `options = options or {}; options.update(more)`.

Where the caller gave one, it is the caller's, and has the entries of this call in the next.
"""

import ast
from collections.abc import Iterator

from tenure.check.ops import Function
from tenure.check.scope import default_of, parameters
from tenure.check.syntax import is_empty

__all__ = ["filled"]

_FILLING = frozenset(("update", "setdefault", "append", "extend", "insert", "add"))


def filled(function: Function, parameter: str) -> ast.AST | None:
    """The statement that puts into an optional parameter what depends on the call; None where there is none."""
    given = [one for one in parameters(function.node) if one.arg == parameter]
    default = default_of(function.node, given[0]) if given else None
    if not isinstance(default, ast.Constant) or default.value is not None:
        return None
    names = set(_alternatives(function, parameter))
    returned = {one.value.id for one in function.scope.of(ast.Return) if isinstance(one.value, ast.Name)}
    if not names or names & returned:
        return None
    return next((node for node, name in _fills(function) if name in names), None)


def _alternatives(function: Function, parameter: str) -> Iterator[str]:
    """The names that stand for the parameter, or for a new container where nothing was given."""
    bound = [one for one in function.scope.of(ast.Assign) if len(one.targets) == 1]
    for one in bound:
        match one:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.BoolOp(values=[ast.Name(id=of), made])):
                if of == parameter and is_empty(made):
                    yield name
    for choice in function.scope.of(ast.If):
        match choice:
            case ast.If(
                test=ast.Compare(left=ast.Name(id=of), ops=[ast.Is()]),
                body=[ast.Assign(targets=[ast.Name(id=name)], value=made)],
                orelse=[],
            ) if of == name == parameter and is_empty(made):
                if sum(isinstance(one.targets[0], ast.Name) and one.targets[0].id == name for one in bound) == 1:
                    yield name


def _fills(function: Function) -> Iterator[tuple[ast.AST, str]]:
    """The statements that put something into a variable's container, other than constants."""
    for one in function.scope.of(ast.Assign):
        match one:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name)) as target], value=value):
                if not isinstance(value, ast.Constant):
                    yield target, name
    for call in function.scope.of(ast.Call):
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method), args=[*_, last]):
                if method in _FILLING and not isinstance(last, ast.Constant):
                    yield call, name
