"""A piece of a program that can be dressed otherwise: a script's statements, or the body of one of its functions."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.check.variants.scopes import bound, own, parameters, read

_RESULTS = ("got", "want")


@dataclass
class Unit:
    """`body` is the piece. `before` are imports and definitions that do not depend on it, `after` what comes behind it.

    `given` are the parameters of a function (`head`), whose callers stay; `results` the names that a script is for.
    `cuts` are the statements of the body with marked lines.
    """

    before: list[ast.stmt]
    body: list[ast.stmt]
    after: list[ast.stmt] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    head: ast.FunctionDef | None = None
    results: list[str] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)

    def copy(self) -> Unit:
        """A copy whose trees can be changed."""
        return copy.deepcopy(self)

    @property
    def imports(self) -> list[ast.stmt]:
        """The imports."""
        return [one for one in self.before if isinstance(one, ast.Import | ast.ImportFrom)]


def parse(text: str, marks: frozenset[int]) -> ast.Module:
    """A program's tree, whose nodes on marked lines have `marked`."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if getattr(node, "lineno", None) in marks:
            node.marked = True  # type: ignore[attr-defined]
    return tree


def marked(node: ast.AST) -> bool:
    """Whether a tree has a marked node."""
    return any(getattr(one, "marked", False) for one in ast.walk(node))


def units(tree: ast.Module, like: list[list[int]] | None = None) -> list[Unit]:
    """The script of a program, and its marked functions; for a twin without marks, those of the program `like` it."""
    out = []
    if script := _script(copy.deepcopy(tree)):
        out.append(script)
    for index, one in enumerate(tree.body):
        if isinstance(one, ast.FunctionDef) and (marked(one) or like is not None) and _plain(one):
            out.append(_function(copy.deepcopy(tree), index))
    if like is not None:
        for unit, cuts in zip(out, like, strict=False):
            unit.cuts = [cut for cut in cuts if cut < len(unit.body)]
    return out


def _script(tree: ast.Module) -> Unit | None:
    """The statements, and before them the definitions that read none of the names that the statements bind."""
    body = [one for one in tree.body if not _docstring(one)]
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    moved = [isinstance(one, ast.Import | ast.ImportFrom | kinds) for one in body]
    while True:
        names = bound([one for one, free in zip(body, moved, strict=True) if not free])
        again = [free and not _depends(one, names) for one, free in zip(body, moved, strict=True)]
        if again == moved:
            break
        moved = again
    before = [one for one, free in zip(body, moved, strict=True) if free]
    rest = [one for one, free in zip(body, moved, strict=True) if not free]
    if not rest or not bound(rest):
        return None
    results = [name for name in _RESULTS if name in bound(rest)]
    return Unit(before, rest, results=results, cuts=_cuts(rest))


def _depends(statement: ast.stmt, names: set[str]) -> bool:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return False
    return bool(read([statement]) & names)


def _function(tree: ast.Module, index: int) -> Unit:
    head = tree.body[index]
    assert isinstance(head, ast.FunctionDef)
    body = [one for one in head.body if not _docstring(one)]
    before = [one for one in tree.body[:index] if not _docstring(one)]
    return Unit(before, body, tree.body[index + 1 :], parameters(head.args), head, cuts=_cuts(body))


def _plain(function: ast.FunctionDef) -> bool:
    """Whether a body may move elsewhere: no decorators, stars, generators, or names of other scopes that it binds."""
    arguments = function.args
    return not (
        function.decorator_list
        or arguments.vararg
        or arguments.kwarg
        or arguments.kwonlyargs
        or arguments.posonlyargs
        or any(isinstance(node, ast.Global | ast.Yield | ast.YieldFrom) for node in own(function.body))
    )


def _cuts(body: list[ast.stmt]) -> list[int]:
    return [i for i, one in enumerate(body) if marked(one)]


def _docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def rendered(tree: ast.Module) -> tuple[str, frozenset[int]]:
    """A tree as text, and the lines of its marked nodes."""
    text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    lines = set()
    for old, new in zip(ast.walk(tree), ast.walk(ast.parse(text)), strict=True):
        if type(old) is not type(new):
            raise ValueError(f"{type(old).__name__} became {type(new).__name__}")
        if getattr(old, "marked", False) and hasattr(new, "lineno"):
            lines.add(new.lineno)
    return text, frozenset(lines)


def statements(text: str) -> Iterator[ast.stmt]:
    """The statements of a text."""
    yield from ast.parse(text).body
