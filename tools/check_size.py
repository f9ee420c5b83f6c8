"""Files under src/ have at most 400 lines, functions at most 40 lines of code (docstrings aside)."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 40


def offenders(path: Path) -> Iterator[str]:
    """What in one file is too long, a line each."""
    source = path.read_text(encoding="utf-8")
    if (count := len(source.splitlines())) > FILE_LINES:
        yield f"{path}:1: {count} lines, more than {FILE_LINES}"
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if (count := function_lines(node)) > FUNCTION_LINES:
            yield f"{path}:{node.lineno}: {node.name} has {count} lines of code, more than {FUNCTION_LINES}"


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines from `def` to the end, less those of the docstring."""
    lines = _span(node)
    return lines - _span(node.body[0]) if ast.get_docstring(node, clean=False) is not None else lines


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def main(roots: list[str]) -> int:
    """Print the offenders under the given folders; 1 if there are any, else 0."""
    found = [line for root in roots for path in sorted(Path(root).rglob("*.py")) for line in offenders(path)]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["src"]))
