"""Syntax that came with a version of Python: checked where the interpreter takes it, else one error for the file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tenure.check.engine import check

NEW = {
    "except-group": (
        (3, 11),
        """\
xs = [1, 2]
try:
    print(xs)
except* ValueError as group:
    for x in xs:
        xs.remove(x)
""",
    ),
    "function-type-parameters": (
        (3, 12),
        """\
def keep[T: (int, str), *Ts, **P](xs: list[T]) -> None:
    for x in xs:
        xs.remove(x)
""",
    ),
    "class-type-parameters": (
        (3, 12),
        """\
class Box[T]:
    def drop(self, xs: list[T]) -> None:
        for x in xs:
            xs.remove(x)
""",
    ),
    "type-alias": (
        (3, 12),
        """\
type Items[T] = list[T]
xs: Items[int] = [1, 2]
for x in xs:
    xs.remove(x)
""",
    ),
    "nested-f-string": (
        (3, 12),
        """\
xs = [1, 2]
for x in xs:
    print(f"{f"{xs.remove(x)!r:>{len(f"{x}")}}"} {  # a comment
        "\\n".join("a")}")
""",
    ),
    "type-parameter-default": (
        (3, 13),
        """\
def keep[T = int](xs: list[T]) -> None:
    for x in xs:
        xs.remove(x)
""",
    ),
    "except-without-parentheses": (
        (3, 14),
        """\
xs = [1, 2]
try:
    print(xs)
except ValueError, KeyError:
    for x in xs:
        xs.remove(x)
""",
    ),
    "template-string": (
        (3, 14),
        """\
xs = [1, 2]
for x in xs:
    print(t"{xs.remove(x)!r:>{x}}")
""",
    ),
}


@pytest.mark.parametrize("name", NEW)
def test_new_syntax(name: str, tmp_path: Path) -> None:
    since, text = NEW[name]
    path = tmp_path / "program.py"
    path.write_text(text, encoding="utf-8")
    found = [(one.code, one.rule) for one in check([str(path)]).diagnostics]
    known = sys.version_info >= since
    assert found == [("TN506", "modified-while-iterated") if known else ("TN000", "syntax-error")]


def test_other_files_are_checked_beside_one_of_a_newer_version(tmp_path: Path) -> None:
    (tmp_path / "newer.py").write_text("def f(xs: list) -> None:\n    yield = 3\n", encoding="utf-8")
    (tmp_path / "older.py").write_text("xs = [1]\nfor x in xs:\n    xs.remove(x)\n", encoding="utf-8")
    found = check([str(tmp_path / "newer.py"), str(tmp_path / "older.py")]).diagnostics
    assert [one.rule for one in found] == ["syntax-error", "modified-while-iterated"]
