"""Reports that a caller in another file shows stand in the file of their lines, once, and go when the caller does."""

from __future__ import annotations

from pathlib import Path

from tenure.check.engine import check

WORK = """\
def work(a):
    row = a[0]
    a += 1.0
    print(row)
"""
MAIN = """\
import numpy as np
from work import work

a = np.zeros((2, 2))
work(a)
"""


def found(folder: Path, **texts: str) -> list[tuple[str, int, str]]:
    """File, line and rule of each report of files that are checked together."""
    paths = []
    for name, text in texts.items():
        path = folder / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        paths.append(str(path))
    reports = check(paths, tree=paths).diagnostics
    return [(Path(one.primary.span.path).name, one.primary.span.line, one.rule) for one in reports]


def test_a_report_stands_in_the_file_that_writes(tmp_path: Path) -> None:
    assert found(tmp_path, main=MAIN, work=WORK) == [("work.py", 3, "view-read-after-write")]


def test_two_callers_are_one_report(tmp_path: Path) -> None:
    assert found(tmp_path, main=MAIN, other=MAIN, work=WORK) == [("work.py", 3, "view-read-after-write")]


def test_without_a_caller_nothing_is_said(tmp_path: Path) -> None:
    assert found(tmp_path, work=WORK) == []


def test_the_called_file_depends_on_its_caller(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("main.py", "work.py")]
    for path, text in zip(paths, (MAIN, WORK), strict=True):
        Path(path).write_text(text, encoding="utf-8")
    assert paths[0] in check(paths, tree=paths).depends[paths[1]]


def test_threads_that_write_in_another_file_are_reported_where_they_are_made(tmp_path: Path) -> None:
    start = "threading.Thread(target=fill, args=(total, 1.0)).start()"
    main = f"import threading\nimport numpy as np\nfrom fills import fill\ntotal = np.zeros(3)\n{start}\n{start}\n"
    fills = "def fill(out, value):\n    out += value\n"
    assert found(tmp_path, main=main, fills=fills) == [("main.py", 6, "thread-race")]
