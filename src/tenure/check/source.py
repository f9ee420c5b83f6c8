"""Reading and parsing of a file; a failure is a diagnostic, never an exception."""

import ast
import functools
import io
import sys
import tokenize
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tenure.check import notebook, syntax
from tenure.diagnostic import Diagnostic, Label, Span

__all__ = ["STDIN", "Source", "cells_left_out", "failure", "parse", "raw_bytes", "read", "read_bytes", "showing"]


@dataclass(slots=True)
class Source:
    """A parsed file. Columns of the tree count bytes; `span` turns them into characters."""

    path: str
    text: str
    tree: ast.Module
    _lines: list[str] | None = None

    @property
    def lines(self) -> list[str]:
        """The lines of the text."""
        if self._lines is None:
            self._lines = self.text.split("\n")
        return self._lines

    def release(self) -> None:
        """Drop caches that can be computed again."""
        self._lines = None

    def span(self, node: ast.AST) -> Span:
        """The stretch of text that a node covers."""
        line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        end_line = getattr(node, "end_lineno", None) or line
        end_column = getattr(node, "end_col_offset", None) or column
        return Span(self.path, line, self._characters(line, column), end_line, self._characters(end_line, end_column))

    def segment(self, node: ast.AST) -> str:
        """The source text of a node."""
        at = self.span(node)
        lines = self.lines[at.line - 1 : at.end_line]
        if not lines:
            return ""
        lines[-1] = lines[-1][: at.end_column]
        lines[0] = lines[0][at.column :]
        return "\n".join(lines)

    def _characters(self, line: int, column: int) -> int:
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return column if text.isascii() else len(text.encode()[:column].decode(errors="replace"))


STDIN = "<stdin>"
"""The path of standard input."""


_shown: dict[str, bytes] = {}


@contextmanager
def showing(contents: Mapping[str, bytes]) -> Iterator[None]:
    """Contents that stand in for those of files meanwhile: an editor's, or those with a fix that is on trial."""
    before = dict(_shown)
    _shown.update(contents)
    try:
        yield
    finally:
        _shown.clear()
        _shown.update(before)


def read_bytes(path: str) -> bytes:
    """The contents of a file, or of standard input; of a notebook, its program."""
    data = raw_bytes(path)
    return notebook.program(data) if notebook.is_notebook(path) else data


def cells_left_out(path: str) -> list[tuple[int, str]]:
    """The first lines of a notebook's cells that do not parse, and why."""
    return notebook.left_out(raw_bytes(path)) if notebook.is_notebook(path) else []


def raw_bytes(path: str) -> bytes:
    """The contents of a file as they are."""
    if path in _shown:
        return _shown[path]
    return _standard_input() if path == STDIN else Path(path).read_bytes()


@functools.cache
def _standard_input() -> bytes:
    return sys.stdin.buffer.read()


def read(path: str) -> str | Diagnostic:
    """The text of a file in its declared encoding, or the reason why it cannot be read."""
    data = b""
    try:
        data = read_bytes(path)
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except (OSError, SyntaxError, UnicodeError, LookupError, notebook.NotebookError) as error:
        line, reason = _undecoded(data) or (1, _reason(error))
        return failure("unreadable-file", path, f"cannot read this file: {reason}", line)


def _undecoded(data: bytes) -> tuple[int, str] | None:
    """The line of a byte that is not UTF-8, in a file that declares no encoding."""
    if any(tokenize.cookie_re.match(line.decode("latin-1")) for line in data.split(b"\n", 2)[:2]):
        return None
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return line, f"byte 0x{data[error.start]:02x} in line {line} is not UTF-8, and no other encoding is declared"
    return None


def parse(path: str, text: str) -> Source | Diagnostic:
    """Parse text, or return the first breach of the grammar of the running interpreter."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, path)
    except SyntaxError as error:
        line, reason = error.lineno or 1, _reason(error)
        newer = syntax.newer(text, line)
        message = reason if newer is None else f"{reason}: {newer}"
        return failure("syntax-error", path, message, line, max((error.offset or 1) - 1, 0))
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return failure("syntax-error", path, f"cannot parse this file: {_reason(error)}", 1, 0)
    return Source(path, text, tree)


def _reason(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return error.msg or "invalid syntax"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error) or type(error).__name__


def failure(rule: str, path: str, message: str, line: int = 1, column: int = 0) -> Diagnostic:
    """The diagnostic of a file that cannot be checked."""
    line = max(line, 1)
    return Diagnostic("TN000", rule, message, Label(Span(path, line, column, line, column + 1)), certain=True)
