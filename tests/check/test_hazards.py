"""Aliasing bugs of real programs are reported on a marked line; their corrected twins, and idioms that only look like
bugs, are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tenure.check.engine import check

FOLDER = Path(__file__).parent / "hazards"
CASES = FOLDER / "cases"
HAZARDS = {row["id"]: row for row in json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))}
SILENT = sorted(CASES.glob("*_ok.py"))

UNKNOWABLE: dict[str, str] = {}
"""Hazards that the text of the program does not show, and why."""

MISSED: dict[str, str] = {
    "39": "a function replaces an attribute of what it is given, which is what most functions on objects are for",
}
"""Hazards that could be known and are not, and why."""


def reported(path: Path) -> list[tuple[int, str]]:
    """Line and rule of each default-tier report."""
    return [(row.primary.span.line, row.rule) for row in check([str(path)]).diagnostics]


@pytest.mark.parametrize("number", [number for number in HAZARDS if number not in UNKNOWABLE | MISSED])
def test_hazard_is_reported_on_a_marked_line(number: str) -> None:
    row = HAZARDS[number]
    (path,) = (p for p in CASES.glob(f"{number}_*.py") if p not in SILENT)
    marked = {*row["culprit"], *row["alias"], *row["consequence"]}
    found = reported(path)
    assert {line for line, _ in found} & marked, found


@pytest.mark.parametrize("path", SILENT, ids=lambda path: path.stem)
def test_corrected_twin_or_trap_is_silent(path: Path) -> None:
    assert reported(path) == []


def test_nine_in_ten_of_what_can_be_known_is_reported() -> None:
    knowable = len(HAZARDS) - len(UNKNOWABLE)
    assert len(MISSED) <= 0.1 * knowable
    assert all(UNKNOWABLE.values()) and all(MISSED.values())
