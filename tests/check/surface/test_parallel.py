"""Several processes find what one does; Ctrl-C ends them all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.check import parallel
from tenure.check.engine import Result, check
from tenure.check.settings import SettingsError

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


def failing(files: list[str], **options: Any) -> Result:
    """A checker that does not survive some files."""
    if any("bad" in path for path in files):
        raise RecursionError("too deep\nby far")
    return check(files, **options)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_on_which_the_checker_fails_is_one_report(
    jobs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "check", failing)
    monkeypatch.setattr(parallel, "_PAYS", 100)
    files = []
    for name in ("a", "bad1", "b", "c", "bad2", "d"):
        path = tmp_path / f"{name}.py"
        path.write_text(WRONG)
        files.append(str(path))
    out = parallel.check_files(files, files, dict.fromkeys(files, len(WRONG)), False, jobs)
    by_file = {Path(one.primary.span.path).stem: (one.code, one.rule) for one in out.found}
    assert by_file == {
        **dict.fromkeys("abcd", ("TN506", "modified-while-iterated")),
        **dict.fromkeys(("bad1", "bad2"), ("TN000", "checker-failed")),
    }
    failure = next(one for one in out.found if one.code == "TN000")
    assert "(RecursionError: too deep)" in failure.message and not failure.certain
    assert set(out.depends) == set(files)


def ended(files: list[str], **options: Any) -> Result:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_a_process_that_is_killed_is_an_error_and_no_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "check", ended)
    monkeypatch.setattr(parallel, "_PAYS", 100)
    with pytest.raises(SettingsError, match="ended from outside"):
        parallel.check_files(["a.py", "b.py"], [], {"a.py": 500, "b.py": 500}, False, 2)
    assert multiprocessing.active_children() == []


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40), st.integers(1, 12))
def test_parts(sizes: list[int], parts: int) -> None:
    by_name = {f"{n:03}": size for n, size in enumerate(sizes)}
    out = parallel.split(list(by_name), by_name, parts)
    assert [name for part in out for name in part] == list(by_name)
    assert all(out) and len(out) <= max(parts + 1, len(sizes) if not sum(sizes) else 0)
    for part in out:
        assert sum(by_name[name] for name in part[:-1]) <= sum(sizes) / parts + 1e-9 or len(part) == 1


def wait_for_children(pid: int) -> None:
    """Until a process has others that work for it."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    for _ in range(600):
        if listed.exists() and len(listed.read_text().split()) >= 2:
            return
        time.sleep(0.05)
    pytest.fail("no processes were started")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the processes are found by /proc")
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
    wait_for_children(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "interrupted\n")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
