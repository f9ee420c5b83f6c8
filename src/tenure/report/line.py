"""One line of source and the marks under it.

    swap(x, x[0])
    ---- -  ^^^^ the second is written
    |    |
    |    the first is read
    called here

The rightmost label stands beside its underline, the others hang below theirs. Tabs become four blanks, what a
terminal would act upon becomes visible, and of a very long line only the part around the marks is shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unicodedata import category, east_asian_width

from tenure.report.style import Painter, Part

__all__ = ["Mark", "draw"]

WIDTH = 140  # columns of source that are shown
_BEFORE = 30  # columns before the first mark of a line that is cut
_CUT = "..."
_TAB = " " * 4


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a line to underline, and its label. Characters count from 0; start and end 0: the whole line."""

    start: int
    end: int
    label: str
    primary: bool

    @property
    def part(self) -> Part:
        return "primary" if self.primary else "secondary"


def draw(text: str, marks: Sequence[Mark], paint: Painter) -> Iterator[str]:
    """The rows of a line: its text, its underlines, and the labels below."""
    shown, placed = _window(text, _in_columns(text, marks))
    yield paint("text", shown.rstrip())
    if placed:
        yield from _below(placed, paint)


def _below(marks: Sequence[Mark], paint: Painter) -> Iterator[str]:
    """The underlines, with the label of the rightmost mark beside them, then the other labels."""
    beside = max(marks, key=lambda mark: (mark.start, not mark.label, mark.primary))
    if any(mark.end > beside.start and mark.label for mark in marks if mark is not beside):
        beside = Mark(0, 0, "", False)
    row: list[tuple[str, Part]] = []
    for mark in sorted(marks, key=lambda mark: mark.primary):  # the primary one over the others
        row += [(" ", "text")] * (mark.end - len(row))
        row[mark.start : mark.end] = [("^" if mark.primary else "-", mark.part)] * (mark.end - mark.start)
    underlines = _paint(row, paint)
    yield f"{underlines} {paint(beside.part, beside.label)}" if beside.label else underlines
    hung = sorted((mark for mark in marks if mark.label and mark is not beside), key=lambda mark: mark.start)
    if hung:
        yield _bars(hung, paint)
    while hung:
        mark = hung.pop()
        bars = _bars([other for other in hung if other.start < mark.start], paint, mark.start)
        yield bars + paint(mark.part, mark.label)


def _bars(marks: Sequence[Mark], paint: Painter, width: int = 0) -> str:
    """A bar below the start of each mark, padded with blanks to a width."""
    row: list[tuple[str, Part]] = [(" ", "text")] * max([width, *(mark.start + 1 for mark in marks)])
    for mark in marks:
        row[mark.start] = ("|", mark.part)
    return _paint(row, paint)


def _paint(row: Sequence[tuple[str, Part]], paint: Painter) -> str:
    """The characters of a row, painted in runs of the same part."""
    out, start = [], 0
    for i in range(1, len(row) + 1):
        if i == len(row) or row[i][1] != row[start][1]:
            out.append(paint(row[start][1], "".join(character for character, _ in row[start:i])))
            start = i
    return "".join(out)


def _in_columns(text: str, marks: Sequence[Mark]) -> list[Mark]:
    """The marks by terminal columns instead of characters, each at least one column wide."""
    columns = [0]
    for character in text:
        columns.append(max(columns[-1] + len(_shown(character)) + _extra(character), 1))
    first, last = len(text) - len(text.lstrip()), len(text.rstrip())
    out = []
    for mark in marks:
        start, end = (mark.start, mark.end) if mark.end else (first, last)
        start = columns[min(start, len(text))]
        out.append(Mark(start, max(columns[min(end, len(text))], start + 1), mark.label, mark.primary))
    return out


def _window(text: str, marks: list[Mark]) -> tuple[str, list[Mark]]:
    """The visible part of a line, and the marks moved and cut to fit."""
    cells = _cells(text)
    if len(cells) <= WIDTH:
        return "".join(cells), marks
    at = max(min((mark.start for mark in marks), default=0) - _BEFORE, 0)
    before = _CUT if at else ""
    until = at + WIDTH - len(before)
    shown = before + "".join(cells[at:until]) + (_CUT if until < len(cells) else "")
    moved = []
    for mark in marks:
        start = min(mark.start, until - 1) - at + len(before)
        moved.append(Mark(start, max(min(mark.end, until) - at + len(before), start + 1), mark.label, mark.primary))
    return shown, moved


def _cells(text: str) -> list[str]:
    """The character of each column; a wide character leaves its second column empty."""
    out: list[str] = []
    for character in text:
        extra = _extra(character)
        if extra < 0 and out:
            out[-1] += character
        else:
            out += [*_shown(character)] + [""] * extra
    return out


def _shown(character: str) -> str:
    if character == "\t":
        return _TAB
    if category(character) == "Zs":
        return " "
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"


def _extra(character: str) -> int:
    """The columns beyond one that a character takes: 1 for a wide one, −1 for a combining one."""
    if category(character) in ("Mn", "Me"):
        return -1
    return 1 if east_asian_width(character) in "WF" else 0
