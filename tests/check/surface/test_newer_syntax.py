"""Files in the syntax of another Python: the report names the Python that reads them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tenure.check.engine import check
from tenure.check.syntax import newer

LINES = {
    "type Pair = tuple[int, int]": (3, 12),
    "def first[T](xs: list[T]) -> T:": (3, 12),
    "class Box[T = int]:": (3, 13),
    "    async def f[**P](x): ...": (3, 12),
    "except KeyError, ValueError:": (3, 14),
    'page = t"<p>{name}</p>"': (3, 14),
    "x = f'{d['k']}'": (3, 12),
}


@pytest.mark.parametrize("line", LINES)
def test_the_python_that_reads_a_line_is_named(line: str) -> None:
    version = LINES[line]
    said = newer(f"import os\n{line}\n", 2, (3, 11))
    assert said is not None and f"python{version[0]}.{version[1]} -m tenure check" in said
    assert newer(line, 1, version) is None


@pytest.mark.parametrize("line", ["print 'a'", "except ValueError, e:", "raise ValueError, 'no'"])
def test_old_syntax_is_named(line: str) -> None:
    assert newer(line, 1) == "this looks like Python 2"


@pytest.mark.parametrize("line", ["x = (", "type = 3 3", "print(", "def f(:", "except:", "return t 'a"])
def test_other_errors_are_not_explained(line: str) -> None:
    assert newer(line, 1, (3, 11)) is None
    assert newer("", 7) is None


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads it")
def test_the_report_has_it(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1\ntype Pair = tuple[int, int]\n")
    (one,) = check([str(path)]).diagnostics
    assert one.rule == "syntax-error" and one.primary.span.line == 2
    assert "this needs Python 3.12 (a `type` statement)" in one.message
