"""Fixes of reports. Line ends, encoding and everything else stay as they are.

A fix is made only if a check of the changed file shows that its report is gone, and that no other has come.
"""

import io
import os
import re
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from tenure.check.files import replace
from tenure.check.source import read_bytes, showing
from tenure.diagnostic import Diagnostic, Edit, Span

__all__ = ["Fixed", "edited", "ends", "proven", "write"]

_ROUNDS = 10  # a fix may make room for one that overlapped it
_TRIALS = 50  # of single fixes, after those of one round together proved nothing

Contents = dict[str, bytes]
Check = Callable[[], Sequence[Diagnostic]]

_LINE_END = re.compile(rb"\r\n|\r|\n")


class Fixed:
    """The contents of the files that fixes change, and the number of reports that they end."""

    def __init__(self) -> None:
        self.contents: Contents = {}
        self.number = 0


def proven(check: Check) -> Fixed:
    """The fixes of the reports of `check`, each proven by a check with the changed contents in the file's place."""
    out = Fixed()
    for _ in range(_ROUNDS):
        with showing(out.contents):
            before = check()
            chosen = _apart(before)
            if not chosen or not _kept(out, before, chosen, check):
                break
    return out


def ends(one: Diagnostic, check: Check) -> bool:
    """Whether the edits of a report end it, and bring no other."""
    return _try(Fixed(), check(), [one], check)


def _kept(out: Fixed, before: Sequence[Diagnostic], chosen: list[Diagnostic], check: Check) -> bool:
    """Try fixes together, else one by one; whether any is kept."""
    if _try(out, before, chosen, check):
        return True
    if len(chosen) == 1:
        return False
    return any(_try(out, before, [one], check) for one in chosen[:_TRIALS])


def _try(out: Fixed, before: Sequence[Diagnostic], chosen: list[Diagnostic], check: Check) -> bool:
    """Whether the fixes of some reports end these, and bring no other. If so they are kept."""
    by_file: dict[str, list[Edit]] = {}
    for one in chosen:
        for edit in one.edits:
            by_file.setdefault(edit.span.path, []).append(edit)
    changed = {path: edited(read_bytes(path), edits) for path, edits in by_file.items()}
    with showing(changed):
        after = check()
    left = Counter(map(_same, before))
    left.subtract(map(_same, chosen))
    if Counter(map(_same, after)) - left:
        return False
    out.contents |= changed
    out.number += len(chosen)
    return True


def _same(one: Diagnostic) -> tuple[str, str, str]:
    """The part of a report that stays when text moves in its line."""
    return one.primary.span.path, one.rule, one.message


def _apart(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The reports with edits; of overlapping edits the first counts."""
    out, by_file = [], dict[str, list[Edit]]()
    for one in found:
        if one.edits and not any(_overlaps(edit, by_file.get(edit.span.path, ())) for edit in one.edits):
            out.append(one)
            for edit in one.edits:
                by_file.setdefault(edit.span.path, []).append(edit)
    return out


def write(contents: Contents) -> None:
    """Write the contents of files, whose permissions and links stay."""
    for path, data in contents.items():
        real = os.path.realpath(path)
        replace(real, data, os.stat(real).st_mode & 0o7777)


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
