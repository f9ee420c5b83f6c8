"""What a newcomer may point the command at: each odd thing is told in one line, and nothing hangs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tenure.cli.main import main

WRONG = "xs = [1, 2]\nfor x in xs:\n    xs.remove(x)\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["check", "--no-cache", *arguments])
    out, err = capsys.readouterr()
    return code, out + err


def test_where_there_is_no_python(capsys: pytest.CaptureFixture[str]) -> None:
    Path("notes.txt").write_text("hello")
    assert told(capsys) == (0, "no Python files in . (those that pyproject.toml excludes are left out)\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nowhere"], "there is no file or folder 'nowhere'"),
        (["pipe.py"], "'pipe.py' is no regular file"),
        (["--select", ""], "--select: a code or the name of a rule is needed"),
        (["--ignore", ","], "--ignore: a code or the name of a rule is needed"),
        (["settings"], "cannot read .*pyproject.toml: Is a directory"),
    ],
)
def test_mistakes(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("pipe.py")
    Path("settings/pyproject.toml").mkdir(parents=True)
    Path("settings/a.py").write_text("x = 1\n")
    code, text = told(capsys, *arguments)
    assert code == 2 and text.count("\n") == 1
    assert re.search(reason, text), text


def test_pipes_and_links_in_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    Path("good.py").write_text(WRONG)
    os.mkfifo("pipe.py")
    Path("self").symlink_to(".")
    Path("round.py").symlink_to("about.py")
    Path("about.py").symlink_to("round.py")
    code, text = told(capsys)
    assert code == 1 and text.count("error[TN506]") == 1 and text.count("cannot read this file: Too many levels") == 2


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"x = 1\ns = '\xe9'\n", 2, "byte 0xe9 in line 2 is not UTF-8, and no other encoding is declared"),
        (b"# coding: nonsense\n", 1, "unknown encoding: nonsense"),
        (b"# coding: ascii\ns = '\xe9'\n", 1, "'ascii' codec can't decode byte 0xe9 .*"),
    ],
)
def test_encodings(data: bytes, line: int, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_bytes(data)
    code, text = told(capsys, "a.py")
    head, place, *_ = text.splitlines()
    assert code == 1 and place.endswith(f"a.py:{line}:1")
    assert re.fullmatch(rf"error\[TN000\]: cannot read this file: {reason}", head), head


def test_a_declared_encoding_and_a_mark_at_the_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    Path("latin.py").write_bytes(b"# coding: latin-1\ns = '\xe9'\n")
    Path("marked.py").write_bytes(b"\xef\xbb\xbfx = 1\n")
    assert told(capsys, "latin.py", "marked.py") == (0, "no reports in 2 files\n")


COMMAND = [sys.executable, "-m", "tenure", "check", "--no-cache"]


def test_a_reader_that_has_seen_enough() -> None:
    Path("a.py").write_text("\n".join(WRONG for _ in range(400)))
    run = subprocess.Popen([*COMMAND, "a.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout is not None and run.stderr is not None
    run.stdout.read(10)
    run.stdout.close()
    assert run.stderr.read() == b"" and run.wait() == 1
    run.stderr.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_reports_that_cannot_be_written() -> None:
    Path("a.py").write_text(WRONG)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, "a.py"], stdout=full, stderr=subprocess.PIPE)
    assert done.stderr.splitlines()[0] == b"tenure check: cannot write the reports: No space left on device"
    assert done.returncode != 0
