"""No input crashes the checker: real files broken at random, and programs that are deep, wide or odd."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tenure.check.engine import check
from tenure.diagnostic import Diagnostic
from tests.check.mutations import extremes, mutate, real_files

COUNT = 4000 if os.environ.get("TENURE_FUZZ") else 60
BATCH = 20
FILES = real_files()


def checked(path: Path, data: bytes) -> list[Diagnostic]:
    """What is reported on a file of these bytes; every place named lies in it."""
    path.write_bytes(data)
    result = check([str(path)], strict=True)
    lines = result.texts.get(str(path), "").split("\n")
    for found in result.diagnostics:
        for span in (found.primary.span, *(label.span for label in found.labels)):
            assert span.path == str(path)
            assert 1 <= span.line <= span.end_line
            assert (span.line, span.column) <= (span.end_line, span.end_column)
            if found.code != "TN000":
                assert span.end_line <= len(lines)
                assert span.end_column <= len(lines[span.end_line - 1])
    return result.diagnostics


@pytest.mark.parametrize("batch", range(COUNT // BATCH))
def test_broken_files_are_reported_or_checked(batch: int, tmp_path: Path) -> None:
    for i in range(BATCH):
        draw = random.Random(batch * BATCH + i)
        text = draw.choice(FILES).read_text("utf-8")
        data = mutate(text, draw)
        try:
            checked(tmp_path / "broken.py", data)
        except Exception as error:
            error.add_note(f"seed {batch * BATCH + i}: {data[:200]!r}")
            raise


@pytest.mark.parametrize("name", extremes())
def test_extremes_are_reported_or_checked(name: str, tmp_path: Path) -> None:
    checked(tmp_path / f"{name}.py", extremes()[name].encode())


def test_a_file_that_does_not_parse_leaves_the_rest_checked(tmp_path: Path) -> None:
    good = "x = [1, 2]\nfor y in x:\n    x.remove(y)\n"
    for name, text in ("bad.py", "def f(:\n"), ("good.py", good):
        (tmp_path / name).write_text(text)
    files = [str(tmp_path / name) for name in ("bad.py", "missing.py", "good.py")]
    found = check(files).diagnostics
    assert [d.rule for d in found if d.primary.span.path == files[0]] == ["syntax-error"]
    assert [d.rule for d in found if d.primary.span.path == files[1]] == ["unreadable-file"]
    assert "modified-while-iterated" in [d.rule for d in found if d.primary.span.path == files[2]]
