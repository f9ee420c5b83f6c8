"""The programs that are dressed: shared hazards, families and pages, each with its marked lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tenure.check.engine import check

ROOM = Path(__file__).parents[1]
_FENCED = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EXPECTED = re.compile(r"# error: \[[a-z-]+\]")
_PAIR = re.compile(r"## ([^\n]+)\n```python\n(.*?)```\n```python\n(.*?)```\n", re.DOTALL)


@dataclass(frozen=True)
class Pair:
    """A program with a bug, its corrected twin (either may be ""), and the marked lines."""

    name: str
    group: str
    wrong: str
    marks: frozenset[int]
    right: str


def pairs() -> list[Pair]:
    """All programs."""
    return [*hazards(), *families(), *pages()]


def hazards() -> Iterator[Pair]:
    """The shared hazards; idioms that only look like one are twins of nothing."""
    cases = ROOM / "hazards" / "cases"
    rows = {row["id"]: row for row in json.loads((ROOM / "hazards" / "manifest.json").read_text(encoding="utf-8"))}
    for path in sorted(cases.glob("*.py")):
        number, text = path.name.split("_")[0], path.read_text(encoding="utf-8")
        if number.startswith("t"):
            yield Pair(path.stem, "hazards", "", frozenset(), text)
        elif not path.stem.endswith("_ok"):
            row = rows[number]
            marks = frozenset({*row["culprit"], *row["alias"], *row["consequence"]})
            twin = path.with_name(f"{path.stem}_ok.py")
            right = twin.read_text(encoding="utf-8") if twin.exists() else ""
            yield Pair(path.stem, "hazards", text, marks, right)


def families() -> Iterator[Pair]:
    """The pairs of the families' page."""
    page = (ROOM / "families" / "programs.md").read_text(encoding="utf-8")
    for name, wrong, right in _PAIR.findall(page):
        marks = frozenset(i for i, line in enumerate(wrong.splitlines(), 1) if line.endswith("# marked"))
        yield Pair(name, "families", wrong, marks, right)


def pages() -> Iterator[Pair]:
    """The programs of the literate pages. Marked are the expected lines, and those that their reports name too."""
    for page in sorted(ROOM.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for found in _FENCED.finditer(text):
            program = found[1]
            if program.startswith("# strict"):
                continue
            name = f"{page.name}:{text.count(chr(10), 0, found.start(1)) + 1}"
            expected = {i for i, line in enumerate(program.splitlines(), 1) if _EXPECTED.search(line)}
            if expected:
                yield Pair(name, "pages", program, frozenset(expected), "")
            else:
                yield Pair(name, "pages", "", frozenset(), program)


def related(path: str, lines: frozenset[int]) -> frozenset[int]:
    """These lines of a file, and the lines that reports there name besides: the loan, the write and the read."""
    found = check([path]).diagnostics
    return lines | {
        label.span.line
        for one in found
        if one.primary.span.line in lines
        for label in one.labels
        if label.span.path == path
    }
