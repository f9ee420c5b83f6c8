"""What to write instead, in the user's own names."""

from __future__ import annotations

import ast
import inspect
from types import FunctionType
from typing import TypeVar

from tenure.errors import WriteError
from tenure.values.sites import here, site

Class = TypeVar("Class", bound=type)
WRITE = "make a place, `x = x.mut()`, and write that; or take the new value: `x = x.at[i].set(v)`"


def in_plain_names(cls: Class) -> Class:
    """A class that users know by another name: its methods' errors name the methods alone."""
    for method in vars(cls).values():
        if isinstance(method, FunctionType):
            for function in (method, inspect.unwrap(method)):
                function.__qualname__ = function.__name__
    return cls


def write_to_a_value() -> WriteError:
    """TN594 for ``x[i] = v`` of a value; where it was read by an index itself, ``u[i][j] = v``, how to index once."""
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
    """Of a statement that writes an index of an index: what the first index reads, and the statement with one index
    for both, if there is one."""
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
    """The entries of an index."""
    return list(index.elts) if isinstance(index, ast.Tuple) else [index]


def single(e: ast.expr) -> bool:
    """Whether an entry takes one element of its axis, as far as its form says."""
    if isinstance(e, ast.Constant):
        return type(e.value) is int
    return isinstance(e, ast.Name | ast.BinOp | ast.UnaryOp | ast.Attribute | ast.Call)
