"""Items of a loop that are bound anew for nothing: `for p, q in zip(ps, qs): p = q` changes neither `ps` nor `qs`."""

import ast
from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.scope import Scope, bound_names

__all__ = ["lost_items"]


def lost_items(facts: Facts) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """The assignments to an item by which a loop ends, each with the loop's target and the name."""
    for scope in facts.scopes:
        for loop in scope.of(ast.For):
            match loop.body[-1]:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) as last if name in bound_names([loop.target]):
                    if not name.startswith("_") and _computed(value) and not _used(scope, loop, last, name):
                        yield last, loop.target, name


def _computed(value: ast.expr) -> bool:
    """Whether a value is one that the item was to get: a constant only lets go of it."""
    return not isinstance(value, ast.Constant | ast.List | ast.Dict)


def _used(scope: Scope, loop: ast.For, last: ast.Assign, name: str) -> bool:
    """Whether anything reads the name behind the assignment, or may: what follows the loop, or other functions."""
    end = loop.body[-1].end_lineno or 0
    inner = any(one.id == name for part in scope.inner for one in part.everywhere(ast.Name))
    shared = isinstance(scope.node, ast.Module | ast.ClassDef)
    names = (one for one in scope.of(ast.Name) if one.id == name and not isinstance(one.ctx, ast.Store))
    others = (one for one in scope.of(ast.For, ast.While) if one is not loop)
    around = [one.lineno for one in others if one.lineno <= loop.lineno <= (one.end_lineno or 0)]
    first = min(around, default=end)
    return inner or shared or any(one.lineno > end or first <= one.lineno < loop.lineno for one in names)
