"""`tenure check` and `tenure run`, as a user meets them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tenure.check.discover import imported
from tenure.check.settings import Found
from tenure.cli.main import main

ITERATION = "xs = [1, 2, 3]\nfor x in xs:\n    xs.remove(x)\n"
ALIAS = """\
import torch

def g(val: torch.Tensor):
    val.data = torch.zeros(3)

a = [torch.ones(3)]
k = a[0]
g(a[0])
print(k)
"""
RIGHT = "xs = [1, 2, 3]\nfor x in list(xs):\n    xs.remove(x)\n"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def write(**files: str) -> None:
    for name, text in files.items():
        path = Path(name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def check(*arguments: str) -> int:
    return main(["check", "--jobs", "1", *arguments])


def reports(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[tuple[str, int, str]]:
    """Path, line and rule of each report."""
    capsys.readouterr()
    assert check("--output-format", "json", *arguments) in (0, 1)
    return [(one["path"], one["line"], one["rule"]) for one in json.loads(capsys.readouterr().out)]


def test_a_report_and_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    write(a=ITERATION, b=RIGHT)
    assert check() == 1
    out = capsys.readouterr().out
    assert out.startswith("error[TN506]: ")
    assert "\n --> a.py:3:" in out and "3 |     xs.remove(x)\n" in out
    assert "1 report in 2 files" in out and "`tenure rule NAME`" in out
    assert check("b.py") == 0
    assert capsys.readouterr().out == "no reports in 1 file\n"


def test_the_third_program_of_the_design(capsys: pytest.CaptureFixture[str]) -> None:
    for library in ("torch", "tenure as torch"):
        write(a=ALIAS.replace("import torch", f"import {library}"))
        assert check("--no-cache") == 1
        out = capsys.readouterr().out
        assert "7 | k = a[0]" in out and "4 |     val.data = torch.zeros(3)" in out and "9 | print(k)" in out
        assert "through g" in out


def test_exit_zero_and_statistics(capsys: pytest.CaptureFixture[str]) -> None:
    write(a=ITERATION, b=ITERATION + ALIAS)
    assert check("--exit-zero", "--statistics") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["2", "TN506", "modified-while-iterated"]
    assert check("--statistics") == 1


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--select", "TN506"], 1),
        (["--select", "modified-while-iterated"], 1),
        (["--select", "tn382,TN594"], 0),
        (["--select", "TN382", "--select", "Modified_While_Iterated"], 1),
        (["--ignore", "TN506"], 0),
        (["--ignore", "TN382"], 1),
        (["--select", "TN506", "--ignore", "modified-while-iterated"], 0),
    ],
)
def test_rules_are_selected(arguments: list[str], count: int, capsys: pytest.CaptureFixture[str]) -> None:
    write(a=ITERATION)
    assert len(reports(capsys, *arguments)) == count


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.py"], "there is no file or folder 'nowhere.py'"),
        (["--select", "TN999"], "there is no rule 'TN999'"),
        (["--ignore", "modified-while-iterate"], "did you mean 'modified-while-iterated'?"),
        (["--jobs", "0"], "at least one process"),
        (["--baseline", "gone.json"], "there is no baseline gone.json"),
        (["--write-baseline"], "no file is named"),
        (["--fix", "-"], "standard input cannot be written"),
    ],
)
def test_mistakes_exit_with_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *arguments]) == 2
    taken = capsys.readouterr()
    assert said in taken.err and taken.out == ""


def test_what_cannot_be_read_is_one_report_and_the_rest_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    write(a="def f(:\n", b=ITERATION)
    Path("c.py").write_bytes(b"# \xff\xfe\n")
    Path("d.py").write_bytes(b"# coding: no-such\n")
    Path("e.py").mkdir()
    os.symlink("gone", "f.py")
    found = reports(capsys)
    assert [(path, rule) for path, _, rule in found] == [
        ("a.py", "syntax-error"),
        ("b.py", "modified-while-iterated"),
        ("c.py", "unreadable-file"),
        ("d.py", "unreadable-file"),
        ("f.py", "unreadable-file"),
    ]
    assert reports(capsys, "a.py", "--select", "TN382") == [("a.py", 1, "syntax-error")]


def test_encodings_and_line_ends(capsys: pytest.CaptureFixture[str]) -> None:
    Path("latin.py").write_bytes("# coding: latin-1\né = [1]\nfor x in é:\n    é.remove(x)\n".encode("latin-1"))
    Path("crlf.py").write_bytes(ITERATION.replace("\n", "\r\n").encode())
    Path("bom.py").write_bytes(b"\xef\xbb\xbf" + ITERATION.encode())
    assert [(path, line) for path, line, _ in reports(capsys)] == [("bom.py", 3), ("crlf.py", 3), ("latin.py", 4)]
    assert check("latin.py") == 1
    assert "4 |     é.remove(x)\n" in capsys.readouterr().out


def test_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tenure", "check", "-"], input=ITERATION, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "--> <stdin>:3:" in done.stdout and "3 |     xs.remove(x)" in done.stdout
    assert not Path(".tenure_cache").exists()


def test_folders_that_are_not_looked_into(capsys: pytest.CaptureFixture[str]) -> None:
    write(a=ITERATION, venv__b=ITERATION, pkg__c=ITERATION)
    write(**{".hidden__d": ITERATION})
    Path("pkg/__pycache__").mkdir()
    Path("pkg/__pycache__/e.py").write_text(ITERATION)
    Path("notes.txt").write_text(ITERATION)
    os.symlink(".", "pkg/again")
    assert [path for path, *_ in reports(capsys)] == ["a.py", "pkg/c.py"]
    assert [path for path, *_ in reports(capsys, "venv/b.py")] == ["venv/b.py"]
    assert [path for path, *_ in reports(capsys, "venv")] == ["venv/b.py"]
    assert [path for path, *_ in reports(capsys, "a.py", "./a.py", ".")] == ["a.py", "pkg/c.py"]


def test_a_folder_that_cannot_be_looked_into(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(a=ITERATION, shut__b=ITERATION)
    scandir = os.scandir

    def refuse(path: str) -> object:
        if "shut" in os.fspath(path):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = [(path, rule) for path, _, rule in reports(capsys)]
    assert found == [("a.py", "modified-while-iterated"), ("shut", "unreadable-file")]


def test_broken_pipe_is_no_traceback() -> None:
    write(**{f"m{i}": ITERATION for i in range(200)})
    command = f"{sys.executable} -m tenure check --no-cache --jobs 1 | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.stdout.startswith("error[TN506]") and done.stderr == ""


class TestRun:
    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "tenure", "run", *arguments], capture_output=True, text=True)

    def test_what_is_certain_is_refused(self) -> None:
        write(a="print('started')\n" + ITERATION)
        done = self.run("a.py")
        assert (done.returncode, done.stdout) == (1, "")
        assert "error[TN506]" in done.stderr and "4 |     xs.remove(x)" in done.stderr
        assert "a.py is not run; --no-check" in done.stderr

    def test_no_check_runs(self) -> None:
        write(a="print('started')\n" + ITERATION)
        done = self.run("--no-check", "a.py")
        assert (done.returncode, done.stdout, done.stderr) == (0, "started\n", "")

    def test_what_is_imported_is_checked_too(self) -> None:
        write(a="import helper\nhelper.f([1])\n", helper="def f(xs: list):\n    for x in xs:\n        xs.remove(x)\n")
        write(other=ITERATION)
        done = self.run("a.py")
        assert done.returncode == 1
        assert "helper.py:3" in done.stderr and "other.py" not in done.stderr

    def test_what_is_not_imported_is_not_looked_at(self) -> None:
        write(a="import pkg.one as one, os  # os\nfrom pkg import two\nprint(one.x)\n", other=ITERATION)
        write(pkg__one="import beside\nx = 1\n", pkg__two="from . import one\n", beside="y = 2\n")
        write(**{f"big__m{n}": ITERATION for n in range(3)})
        assert imported("a.py", Found()) == ["pkg/one.py", "pkg/two.py", "beside.py"]
        done = self.run("a.py")
        assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")

    def test_a_suppressed_report_does_not_refuse(self) -> None:
        write(a=ITERATION.replace("(x)", "(x)  # tenure: ignore[TN506]") + "print('done')\n")
        done = self.run("a.py")
        assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")

    def test_a_script_that_does_not_parse_is_refused(self) -> None:
        write(a="def f(:\n")
        done = self.run("a.py")
        assert done.returncode == 1
        assert "syntax-error" in done.stderr or "TN000" in done.stderr


def test_start_up() -> None:
    """Neither NumPy, LLVM nor what only other commands need is loaded."""
    write(a=RIGHT)
    program = (
        "import sys; from tenure.cli.main import main; main(['check', 'a.py']);"
        "print(sorted({'numpy', 'llvmlite', 'multiprocessing', 'subprocess', 'difflib', 'html'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
