"""Programs in the Markdown pages beside this file are checked; a comment says what is reported on its line."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure.check.engine import check

_PROGRAM = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EXPECTED = re.compile(r"# error: \[([a-z-]+)\]")


def _programs() -> Iterator[object]:
    for page in sorted(Path(__file__).parent.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for found in _PROGRAM.finditer(text):
            line = text.count("\n", 0, found.start(1)) + 1
            yield pytest.param(found.group(1), id=f"{page.name}:{line}")


@pytest.mark.parametrize("program", list(_programs()))
def test_reports_are_where_the_comments_are(program: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(program, encoding="utf-8")
    expected = {
        (number, name) for number, line in enumerate(program.splitlines(), 1) for name in _EXPECTED.findall(line)
    }
    found = check([str(path)], strict="# strict" in program.partition("\n")[0]).diagnostics
    assert {(one.primary.span.line, one.rule) for one in found} == expected
