"""First lines of docstrings: a noun phrase, or an imperative, from which a stranger knows what the thing is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "tenure"
ROOMS = sorted({path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()})
CLAUSE = re.compile(
    r"(what|who|whoever|whom|whose|which|how|where|why|when|it|its|they|their|this|that|these|those|we|you|he|she|"
    r"somebody|nobody|everybody)\b",
    re.IGNORECASE,
)


def sources(room: str) -> list[tuple[str, ast.Module]]:
    paths = (ROOT / room).glob("*.py") if room == "." else (ROOT / room).rglob("*.py")
    return [(str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))) for path in sorted(paths)]


@pytest.mark.parametrize("room", [".", *ROOMS])
def test_every_module_is_described(room: str) -> None:
    found = sources(room)
    assert found and [name for name, module in found if not ast.get_docstring(module)] == []


@pytest.mark.parametrize("room", [".", *ROOMS])
def test_nothing_is_described_by_a_clause(room: str) -> None:
    texts = [
        (f"{name}:{node.lineno}", node.value.value)
        for name, module in sources(room)
        for node in ast.walk(module)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    assert [(at, text.splitlines()[0]) for at, text in texts if CLAUSE.match(text)] == []
