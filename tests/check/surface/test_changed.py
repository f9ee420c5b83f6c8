"""`--diff REF` reports what touches lines that changed since a commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tenure.check.changed import Changes
from tenure.check.settings import SettingsError
from tenure.diagnostic import Diagnostic, Label, Span


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    Path("a.py").write_text("".join(f"line {n}\n" for n in range(1, 11)))
    Path('odd "é" name.py').write_text("one\ntwo\n")
    Path("gone.py").write_text("one\n")
    git("add", "-A")
    git("commit", "-qm", "first")
    return tmp_path


def report(path: str, line: int, *labels: int, end: int | None = None) -> Diagnostic:
    spans = [Label(Span(path, n, 0, n, 1)) for n in labels]
    return Diagnostic("TN506", "r", "m", Label(Span(path, line, 0, end or line, 1)), tuple(spans))


def touched(path: str, *lines: int) -> list[int]:
    found = Changes("HEAD").touched([report(path, line) for line in lines])
    return [one.primary.span.line for one in found]


def test_changed_and_new_lines(repository: Path) -> None:
    lines = Path("a.py").read_text().splitlines()
    lines[1] = "changed"
    lines[4:4] = ["++ b/gone.py", "@@ -1 +1 @@"]
    del lines[8]
    Path("a.py").write_text("\n".join(lines) + "\n")
    Path('odd "é" name.py').write_text("one\n2\n")
    Path("gone.py").unlink()
    assert touched("a.py", *range(1, 12)) == [2, 5, 6]
    assert touched('odd "é" name.py', 1, 2) == [2]
    git("add", "-A")
    assert touched("a.py", *range(1, 12)) == [2, 5, 6], "what is staged is a change too"
    git("commit", "-qam", "second")
    assert touched("a.py", *range(1, 12)) == []


def test_files_that_git_does_not_know(repository: Path) -> None:
    Path("new.py").write_text("one\n")
    Path(".gitignore").write_text("ignored.py\n")
    Path("ignored.py").write_text("one\n")
    assert touched("new.py", 1) == [1]
    assert touched("ignored.py", 1) == []


def test_any_place_of_a_report_counts(repository: Path) -> None:
    Path("a.py").write_text(Path("a.py").read_text().replace("line 5", "line five"))
    changes = Changes("HEAD")
    assert changes.touched([report("a.py", 2, 5)]) != []
    assert changes.touched([report("a.py", 4, end=6)]) != []
    assert changes.touched([report("a.py", 2, 3)]) == []


def test_from_a_folder_below(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("below").mkdir()
    Path("a.py").write_text("changed\n")
    monkeypatch.chdir("below")
    assert touched("../a.py", 1) == [1]


def test_mistakes(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(SettingsError, match="there is no commit 'nowhere'"):
        Changes("nowhere")
    with pytest.raises(SettingsError, match="is no commit"):
        Changes("--output=x")
    monkeypatch.chdir(tmp_path_factory.mktemp("outside"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", "/")
    with pytest.raises(SettingsError, match="not a git repository"):
        Changes("HEAD")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SettingsError, match="git, which is not installed"):
        Changes("HEAD")
