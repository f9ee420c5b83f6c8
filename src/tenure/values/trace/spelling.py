"""Suggested replacements in error messages, in the user's own names."""

from __future__ import annotations

import ast
from types import FunctionType
from typing import TypeVar

from tenure.errors import WriteError
from tenure.values.rules.sites import here, site

Class = TypeVar("Class", bound=type)
WRITE = "make a place, `x = x.mut()`, and write that; or take the new value: `x = x.at[i].set(v)`"


def in_plain_names(cls: Class) -> Class:
    """Class decorator for a class that users know by another name: its methods' errors name the methods alone."""
    for method in vars(cls).values():
        while isinstance(method, FunctionType):
            method.__qualname__ = method.__name__
            method = getattr(method, "__wrapped__", None)
    return cls


def write_to_a_value() -> WriteError:
    """TN594 for ``x[i] = v`` of a value; for the chained ``u[i][j] = v``, with the single index to write instead."""
    at = site(here())
    chain = None if at is None else chained(at.text)
    if chain is None:
        return WriteError("a value is written: tensors never change", at=at, help=WRITE)
    part, once = chain
    return WriteError(
        f"a value is written: {part} reads a value, which writing does not change",
        at=at,
        help=f"index once: `{once}`"
        if once
        else f"write the part back: `t = {part}.mut()`, write t, then `{part} = t`",
    )


def chained(text: str) -> tuple[str, str | None] | None:
    """Parse of a statement that writes an index of an index: the source of the first index's operand, and the statement
    with one index for both, if there is one."""
    try:
        body = ast.parse(text.strip()).body
    except SyntaxError:
        return None
    if len(body) != 1 or not isinstance(body[0], ast.Assign | ast.AugAssign):
        return None
    statement = body[0]
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    if not isinstance(target, ast.Subscript) or not isinstance(target.value, ast.Subscript):
        return None
    part, indices = ast.unparse(target.value), [target.slice]
    base: ast.expr = target.value
    while isinstance(base, ast.Subscript):
        indices.insert(0, base.slice)
        base = base.value
    if isinstance(base, ast.Attribute) and base.attr == "at":
        return None
    entries = [elements(index) for index in indices]
    if not all(single(e) for index in entries[:-1] for e in index):
        return part, None
    joined = ast.Subscript(base, ast.Tuple([e for index in entries for e in index], ast.Load()), ast.Store())
    if isinstance(statement, ast.Assign):
        return part, f"{ast.unparse(joined)} = {ast.unparse(statement.value)}"
    return part, ast.unparse(ast.AugAssign(joined, statement.op, statement.value))


def elements(index: ast.expr) -> list[ast.expr]:
    """Entries of an index."""
    return list(index.elts) if isinstance(index, ast.Tuple) else [index]


def single(e: ast.expr) -> bool:
    """Whether an entry takes one element of its axis, as far as its form says."""
    if isinstance(e, ast.Constant):
        return type(e.value) is int
    return isinstance(e, ast.Name | ast.BinOp | ast.UnaryOp | ast.Attribute | ast.Call)
