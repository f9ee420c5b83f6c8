"""Syntax: empty displays, and what a line needs that does not parse in the running Python."""

import ast
import re
import sys

__all__ = ["is_empty", "newer"]

_NEEDS = (
    ((3, 12), re.compile(r"\s*type\s+\w+\s*(\[.*\]\s*)?="), "a `type` statement"),
    ((3, 13), re.compile(r"\s*(async\s+)?(def|class|type)\s+\w+\s*\[[^\]]*=[^\]]*\]"), "defaults of type parameters"),
    ((3, 12), re.compile(r"\s*(async\s+)?(def|class)\s+\w+\s*\["), "type parameters"),
    ((3, 14), re.compile(r"\s*except\s*\*?\s+\w[\w.]*\s*,\s*[A-Z]"), "`except` with several types and no brackets"),
    ((3, 14), re.compile(r".*(?<![\w.])[rR]?[tT][rR]?['\"]"), "a template string"),
    ((3, 12), re.compile(r".*(?<![\w.])[rR]?[fF][rR]?['\"]"), "an f-string with quotes or a backslash in its braces"),
)
"""The first Python that reads a form, from the most special form to the most general."""
_OLDER = re.compile(r"\s*(print\s+[^\s(=]|exec\s+['\"]|raise\s+\w+\s*,|except\s+\w[\w.]*\s*,\s*[a-z]\w*\s*:)")


def newer(text: str, line: int, running: tuple[int, int] = sys.version_info[:2]) -> str | None:
    """The Python to check a text with, where the line of its first error has a form that the running one lacks."""
    lines = text.split("\n")
    at = lines[line - 1] if 1 <= line <= len(lines) else ""
    for version, form, name in _NEEDS:
        if version > running and form.match(at):
            wanted = ".".join(map(str, version))
            return f"this needs Python {wanted} ({name}); check this file with `python{wanted} -m tenure check`"
    return "this looks like Python 2" if _OLDER.match(at) else None


def is_empty(node: ast.AST | None) -> bool:
    """Whether an expression is an empty list, dict, set or tuple."""
    match node:
        case ast.Dict(keys=held) | ast.List(elts=held) | ast.Tuple(elts=held):
            return not held
        case ast.Call(func=ast.Name("list" | "dict" | "set" | "tuple"), args=[], keywords=[]):
            return True
    return False
