"""Defensive copies in real code, and the code without one of them.

A site is found by syntax alone, not by anything of the checker: a loop over a copy of what its body resizes, or a
copy where, later in the same function, one of the two is written in place and the other read. Without the copy such
code has an aliasing bug that is visible in that function.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from checking.strip_views import view_copies
from checking.syntax import Function, copied, functions, inserts, peel, resizes, text_of

__all__ = ["Site", "sites"]


@dataclass(frozen=True)
class Site:
    """A copy to be removed: its extent (lines from 1, byte columns from 0), and what stands there instead."""

    family: str
    line: int
    column: int
    end_line: int
    end_column: int
    replacement: str

    def strip(self, source: str) -> str:
        """The source without this copy."""
        lines = source.split("\n")
        first, last = lines[self.line - 1].encode(), lines[self.end_line - 1].encode()
        joined = first[: self.column].decode() + self.replacement + last[self.end_column :].decode()
        missing = self.end_line - self.line - self.replacement.count("\n")
        lines[self.line - 1 : self.end_line] = [*joined.split("\n"), *[""] * missing]
        return "\n".join(lines)


def sites(source: str, tree: ast.Module) -> Iterator[tuple[Site, str]]:
    """The sites of a module, each with the text of what surrounds it (the same text again is the same code)."""
    for function in functions(tree):
        for loop in function.loops:
            if isinstance(loop, ast.For) and (found := _iterated_copy(function, loop)):
                yield _site("iteration", source, *found), ast.get_source_segment(source, loop) or ""
        for family, copy, inner in view_copies(function):
            yield _site(family, source, copy, inner), ast.get_source_segment(source, function.node) or ""


def _site(family: str, source: str, copy: ast.expr, inner: ast.expr) -> Site:
    replacement = ast.get_source_segment(source, inner) or ast.unparse(inner)
    end_line, end_column = copy.end_lineno or copy.lineno, copy.end_col_offset or 0
    return Site(family, copy.lineno, copy.col_offset, end_line, end_column, replacement)


def _iterated_copy(function: Function, loop: ast.For) -> tuple[ast.expr, ast.expr] | None:
    """The copy that a loop goes over and what it copies, if the body resizes that and goes on."""
    iterated: ast.expr = loop.iter
    if isinstance(iterated, ast.Call) and text_of(iterated.func) in ("enumerate", "reversed") and iterated.args:
        iterated = iterated.args[0]
    inner = copied(iterated)
    if inner is None:
        return None
    container = peel(inner)
    if container is None:
        return None
    names = function.names_of(text_of(container))
    targets = {text_of(node) for node in ast.walk(loop.target)}
    keyed = inner is not container
    for block in _blocks(loop.body):
        for i, statement in enumerate(block):
            if _leaves(block[i:]):
                break
            for part in _own(statement):
                if resizes(part, names) or function.resized_by_method(part, names):
                    return iterated, inner
                if keyed and inserts(part, names, targets):
                    return iterated, inner
    return None


def _blocks(body: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """The statement lists of a loop's body, those of nested functions left out."""
    yield body
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for name in ("body", "orelse", "finalbody"):
            if isinstance(inner := getattr(statement, name, None), list) and inner:
                yield from _blocks(inner)
        for handler in getattr(statement, "handlers", []):
            yield from _blocks(handler.body)
        for case in getattr(statement, "cases", []):
            yield from _blocks(case.body)


def _own(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement that belong to no statement inside it."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        yield node
        stack += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]


def _leaves(rest: list[ast.stmt]) -> bool:
    """Whether the statements leave the loop, so that nothing is iterated after what they write."""
    return any(isinstance(statement, ast.Break | ast.Return | ast.Raise) for statement in rest)
