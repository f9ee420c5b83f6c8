"""Programs of the hazards' families in other words: reported on a marked line, and their twins silent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tenure.check.engine import check

SECTION = re.compile(r"## ([^\n]+)\n```python\n(.*?)```\n```python\n(.*?)```\n", re.DOTALL)
PAIRS = {
    name: (wrong, right)
    for name, wrong, right in SECTION.findall((Path(__file__).parent / "families" / "programs.md").read_text())
}

MISSED: dict[str, str] = {
    "frames of one buffer from a generator": "what a generator yields is not followed to who collects it",
    "the average is the first model": "the items of a list made by a comprehension are not told apart",
}
"""Programs that are not reported, and why."""


def reported(text: str, folder: Path) -> list[tuple[int, str]]:
    path = folder / "program.py"
    path.write_text(text)
    return [(row.primary.span.line, row.rule) for row in check([str(path)]).diagnostics]


@pytest.mark.parametrize("name", [name for name in PAIRS if name not in MISSED])
def test_wrong_program_is_reported(name: str, tmp_path: Path) -> None:
    text = PAIRS[name][0]
    marked = {i for i, line in enumerate(text.splitlines(), 1) if line.endswith("# marked")}
    found = reported(text, tmp_path)
    assert {line for line, _ in found} & marked, found


@pytest.mark.parametrize("name", PAIRS)
def test_right_program_is_silent(name: str, tmp_path: Path) -> None:
    assert reported(PAIRS[name][1], tmp_path) == []


def test_most_are_reported() -> None:
    assert set(MISSED) <= set(PAIRS)
    assert len(MISSED) <= 0.1 * len(PAIRS)
