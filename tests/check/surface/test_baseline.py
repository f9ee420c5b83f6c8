"""A baseline knows its reports again when lines move, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tenure.check.baseline import Baseline, write
from tenure.check.settings import SettingsError
from tenure.diagnostic import Diagnostic, Label, Span


def report(path: Path, line: int, rule: str = "view-read-after-write") -> Diagnostic:
    return Diagnostic("TN506", rule, f"said in line {line}", Label(Span(str(path), line, 0, line, 1)))


def lines_of(path: Path, text: str) -> Callable[[str, int], str | None]:
    path.write_text(text)
    return lambda name, line: dict(enumerate(Path(name).read_text().split("\n"), 1)).get(line)


def test_moved_lines_are_known(tmp_path: Path) -> None:
    path, known = tmp_path / "a.py", tmp_path / "known.json"
    lines = lines_of(path, "a += 1\nb += 1\n")
    assert write(str(known), [report(path, 1), report(path, 2)], lines) == 2
    lines = lines_of(path, "import x\n\nif x:\n    b  +=  1\n    a += 1\n    c += 1\n")
    baseline = Baseline(str(known))
    left = baseline.unknown([report(path, 4), report(path, 5), report(path, 6)], lines)
    assert [one.primary.span.line for one in left] == [6]
    assert baseline.unknown([report(path, 5, "alias-read-after-write")], lines) != []


def test_as_often_as_it_was(tmp_path: Path) -> None:
    path, known = tmp_path / "a.py", tmp_path / "known.json"
    lines = lines_of(path, "a += 1\n" * 3)
    write(str(known), [report(path, 1), report(path, 2)], lines)
    assert len(Baseline(str(known)).unknown([report(path, n) for n in (1, 2, 3)], lines)) == 1


def test_a_renamed_file_keeps_its_reports(tmp_path: Path) -> None:
    path, known = tmp_path / "a.py", tmp_path / "known.json"
    lines = lines_of(path, "a += 1\n")
    write(str(known), [report(path, 1)], lines)
    other = path.rename(tmp_path / "b.py")
    assert Baseline(str(known)).unknown([report(other, 1)], lines) == []
    path.write_text("a += 1\n")
    assert len(Baseline(str(known)).unknown([report(other, 1)], lines)) == 1, "a copy is new"


def test_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, known = tmp_path / "a.py", tmp_path / "known.json"
    lines = lines_of(path, "a += 1\n")
    write(str(known), [report(path, 1)], lines)
    assert str(tmp_path) not in known.read_text()
    monkeypatch.chdir(tmp_path)
    assert Baseline("known.json").unknown([report(Path("a.py"), 1)], lines) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 1, "reports": [{}]}', '{"version": 99}'])
def test_what_is_no_baseline(text: str, tmp_path: Path) -> None:
    (tmp_path / "known.json").write_text(text)
    with pytest.raises(SettingsError, match="known.json"):
        Baseline(str(tmp_path / "known.json"))


def test_a_missing_baseline(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no baseline"):
        Baseline(str(tmp_path / "gone.json"))
    with pytest.raises(SettingsError, match="cannot write"):
        write(str(tmp_path / "gone" / "x.json"), [], lambda path, line: None)
