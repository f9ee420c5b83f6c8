"""Fixes of reports, written into the files. Line ends, encoding and everything else stay as they are."""

import io
import os
import re
import tokenize
from collections.abc import Iterable

from tenure.check.files import replace
from tenure.diagnostic import Diagnostic, Edit, Span

__all__ = ["apply", "edited"]

_LINE_END = re.compile(rb"\r\n|\r|\n")


def apply(found: Iterable[Diagnostic]) -> int:
    """Write the edits of these reports, and return the number of fixed ones. Of overlapping edits the first counts."""
    by_file: dict[str, list[Edit]] = {}
    fixed = 0
    for one in found:
        if one.edits and not any(_overlaps(edit, by_file.get(edit.span.path, ())) for edit in one.edits):
            fixed += 1
            for edit in one.edits:
                by_file.setdefault(edit.span.path, []).append(edit)
    for path, edits in by_file.items():
        with open(path, "rb") as file:
            data = file.read()
        real = os.path.realpath(path)
        replace(real, edited(data, edits), os.stat(real).st_mode & 0o7777)
    return fixed


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes of a file with edits made that do not overlap."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    ends = [0, *(match.end() for match in _LINE_END.finditer(data))]
    newline = next((match[0] for match in _LINE_END.finditer(data)), b"\n")
    for edit in sorted(edits, key=lambda edit: edit.span, reverse=True):
        start = _offset(data, ends, encoding, edit.span.line, edit.span.column)
        end = _offset(data, ends, encoding, edit.span.end_line, edit.span.end_column)
        text = edit.replacement.replace("\n", newline.decode())
        data = data[:start] + text.encode(encoding.removesuffix("-sig")) + data[end:]
    return data


def _offset(data: bytes, ends: list[int], encoding: str, line: int, column: int) -> int:
    """The byte at a line and column of characters."""
    start = ends[line - 1]
    stop = ends[line] if line < len(ends) else len(data)
    mark = len(b"\xef\xbb\xbf") if line == 1 and encoding == "utf-8-sig" else 0
    plain = encoding.removesuffix("-sig")
    text = data[start + mark : stop].decode(plain)
    return start + mark + len(text[:column].encode(plain))


def _overlaps(edit: Edit, others: Iterable[Edit]) -> bool:
    start, end = _ends(edit.span)
    return any(
        (start < _ends(other.span)[1] and _ends(other.span)[0] < end) or edit.span == other.span for other in others
    )


def _ends(span: Span) -> tuple[tuple[int, int], tuple[int, int]]:
    return (span.line, span.column), (span.end_line, span.end_column)
