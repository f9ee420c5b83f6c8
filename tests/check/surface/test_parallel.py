"""Several processes find what one does; Ctrl-C ends them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.check import parallel

WRONG = "xs = [1, 2]\nfor x in xs:\n    xs.remove(x)\n"


def test_the_same_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    for n in range(12):
        path = tmp_path / f"m{n}.py"
        path.write_text(f"import m{(n + 1) % 12}\n" + WRONG * (n % 3))
        files.append(str(path))
    sizes = {path: os.path.getsize(path) for path in files}
    one = parallel.check_files(files, files, sizes, False, 1)
    monkeypatch.setattr(parallel, "_PAYS", 100)
    several = parallel.check_files(files, files, sizes, False, 2)
    assert sorted(several.found, key=lambda d: d.primary.span) == sorted(one.found, key=lambda d: d.primary.span)
    assert len(one.found) == 12 and set(several.depends) == set(files)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40), st.integers(1, 12))
def test_parts(sizes: list[int], parts: int) -> None:
    by_name = {f"{n:03}": size for n, size in enumerate(sizes)}
    out = parallel.split(list(by_name), by_name, parts)
    assert [name for part in out for name in part] == list(by_name)
    assert all(out) and len(out) <= max(parts + 1, len(sizes) if not sum(sizes) else 0)
    for part in out:
        assert sum(by_name[name] for name in part[:-1]) <= sum(sizes) / parts + 1e-9 or len(part) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")
def test_an_interrupt_leaves_no_process_and_no_traceback(tmp_path: Path) -> None:
    body = "def f{n}(x):\n    a = [x]\n    for i in range(9):\n        a.append(i)\n    return a\n"
    for n in range(6):
        (tmp_path / f"m{n}.py").write_text("".join(body.replace("{n}", str(k)) for k in range(30_000)))
    process = subprocess.Popen(
        [sys.executable, "-m", "tenure", "check", "--no-cache", "--jobs", "2", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "interrupted\n")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
