"""Notebooks as programs: the code cells in order, and the cell of each line.

In[1]: %matplotlib inline          1 | pass
       import numpy as np     →    2 | import numpy as np
In[2]: !pip install x              3 | pass
       a = np.ones(3)              4 | a = np.ones(3)

Magics and shell lines become `pass` (or `...` on the right of an assignment), so that lines and columns stay. A cell
in another language is left out, and so is one that does not parse, which is a report of its own.
"""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tenure.check import syntax
from tenure.diagnostic import Diagnostic, Label, Span

__all__ = ["SUFFIX", "NotebookError", "in_cells", "is_notebook", "left_out", "lines_of", "parted", "program"]

SUFFIX = ".ipynb"
_PYTHON = frozenset(("%%time", "%%timeit", "%%capture", "%%prun", "%%python", "%%python3"))
_MAGIC = re.compile(r"\s*(%|!|\?|.*[^\s?#'\"]\?{1,2}\s*$)")
_ASSIGNED = re.compile(r"(\s*[\w.,\s*]+=\s*)[%!].*")
_CELL = re.compile(r"(.*\.ipynb):cell (\d+)$", re.DOTALL)


class NotebookError(ValueError):
    """A file that is no notebook, as a message of one line."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """A code cell: its number among all cells, from 1, and its first line in the program."""

    number: int
    first: int


def is_notebook(path: str) -> bool:
    """Whether a path is that of a notebook."""
    return path.endswith(SUFFIX)


def program(data: bytes) -> bytes:
    """The program of a notebook, in UTF-8."""
    return "".join(text for _, text in _cells(data)).encode()


def in_cells(found: list[Diagnostic], data: bytes) -> list[Diagnostic]:
    """Reports of a notebook's program with the cells as their files, `book.ipynb:cell 3`, and lines in the cell.

    They carry no edits, since a cell is not a file.
    """
    cells, line = [], 1
    for number, text in _cells(data):
        cells.append(_Cell(number, line))
        line += text.count("\n")

    def of(label: Label) -> Label:
        return replace(label, span=_in_cell(label.span, cells)) if is_notebook(label.span.path) else label

    return [replace(one, primary=of(one.primary), labels=tuple(map(of, one.labels)), edits=()) for one in found]


def parted(path: str) -> tuple[str, int | None]:
    """The file and the cell of a path of a report; the cell is None for other files."""
    match = _CELL.match(path)
    return (match[1], int(match[2])) if match else (path, None)


def lines_of(data: bytes, cell: int) -> list[str]:
    """The lines of a cell as they stand in the notebook."""
    return next((text.split("\n") for number, text in _sources(data) if number == cell), [])


def left_out(data: bytes) -> list[tuple[int, str]]:
    """The line in the program of each error in a cell that does not parse, and its reason."""
    out, first = [], 1
    for _, text in _sources(data):
        if not _other_language(text) and not _parses(text):
            try:
                ast.parse(_plain(text))
            except SyntaxError as error:
                line = min(error.lineno or 1, text.count("\n") + 1)
                newer = syntax.newer(text, line)
                reason = f"{error.msg or 'invalid syntax'}; the cell is left out"
                out.append((first + line - 1, reason if newer is None else f"{reason}: {newer}"))
            except (ValueError, RecursionError, MemoryError):
                out.append((first, "the cell cannot be parsed, and is left out"))
        first += text.count("\n") + 1
    return out


def _other_language(text: str) -> bool:
    return text.lstrip().startswith("%%") and text.split()[0] not in _PYTHON


def _in_cell(span: Span, cells: list[_Cell]) -> Span:
    cell = next((one for one in reversed(cells) if one.first <= span.line), None)
    if cell is None:
        return span
    off = cell.first - 1
    return replace(span, path=f"{span.path}:cell {cell.number}", line=span.line - off, end_line=span.end_line - off)


def _cells(data: bytes) -> Iterator[tuple[int, str]]:
    """Number and program of each code cell; each program ends with a line end."""
    for number, text in _sources(data):
        yield number, _python(text) + "\n"


def _sources(data: bytes) -> Iterator[tuple[int, str]]:
    """Number and text of each code cell of a notebook in Python."""
    try:
        book = json.loads(data)
    except (ValueError, RecursionError):
        raise NotebookError("this is no notebook: it is not JSON") from None
    if not isinstance(book, dict):
        raise NotebookError("this is no notebook: its JSON is no object")
    if _language(book) not in ("python", "ipython", ""):
        return
    sheets = book.get("worksheets")  # of nbformat 3
    cells = book.get("cells") if not isinstance(sheets, list) else [c for s in sheets for c in s.get("cells", [])]
    if not isinstance(cells, list):
        raise NotebookError("this is no notebook: it has no list of cells")
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            text = "".join(map(str, source)) if isinstance(source, list) else str(source)
            yield number, text.replace("\r\n", "\n").replace("\r", "\n")


def _language(book: dict[str, Any]) -> str:
    about = book.get("metadata")
    known = about.get("language_info", about.get("kernelspec")) if isinstance(about, dict) else None
    name = known.get("name" if "language" not in known else "language", "") if isinstance(known, dict) else ""
    return re.sub(r"\d.*", "", str(name).lower())


def _python(text: str) -> str:
    """A cell's text with as many lines, of Python alone."""
    if _other_language(text):
        return "\n" * text.count("\n")
    if _parses(text):
        return text
    made = _plain(text)
    return made if _parses(made) else "\n" * text.count("\n")


def _plain(text: str) -> str:
    """A cell's text without the notation of IPython."""
    out: list[str] = []
    for line in text.split("\n"):
        out.append(line if _open(out) else _plain_line(line))
    return "\n".join(out)


def _plain_line(line: str) -> str:
    """A line without the notation of IPython."""
    if assigned := _ASSIGNED.fullmatch(line):
        return f"{assigned[1]}..."
    if _MAGIC.match(line):
        return f"{line[: len(line) - len(line.lstrip())]}pass"
    return line


def _open(lines: list[str]) -> bool:
    """Whether a bracket or a string goes on behind these lines."""
    if not lines or lines[-1].endswith("\\"):
        return bool(lines)
    try:
        for _ in tokenize.generate_tokens(io.StringIO("\n".join(lines) + "\n").readline):
            pass
    except tokenize.TokenError:
        return True
    except (SyntaxError, IndentationError):
        return False
    return False


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
