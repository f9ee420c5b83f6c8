"""`--watch`: a check at once, one after each change, and an end by an interrupt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tenure.cli.main import main
from tenure.cli.watch import watch

WRONG = "xs = [1]\nfor x in xs:\n    xs.remove(x)\n"


def test_a_change_a_new_file_and_a_removed_one_are_checked_again(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1\n")
    seen: list[list[str]] = []

    def change_then_end() -> None:
        match len(seen):
            case 1:
                path.write_text("x = 22\n")
            case 2:
                (tmp_path / "b.py").write_text("")
            case 3:
                path.unlink()
            case 4:
                (tmp_path / "pyproject.toml").write_text("[tool.tenure.check]\nstrict = true\n")
            case _:
                raise KeyboardInterrupt

    def check() -> None:
        seen.append(sorted(os.listdir(tmp_path)))

    with pytest.raises(KeyboardInterrupt):
        watch([str(tmp_path)], check, clear=False, pause=change_then_end)
    assert seen == [["a.py"], ["a.py"], ["a.py", "b.py"], ["b.py"], ["b.py", "pyproject.toml"]]


def test_the_command_reports_until_it_is_interrupted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.py"
    path.write_text(WRONG)

    def mend_then_end(seconds: float) -> None:
        if path.read_text() == "":
            raise KeyboardInterrupt
        path.write_text("")

    monkeypatch.setattr("time.sleep", mend_then_end)
    assert main(["check", "--watch", "--no-cache", "--jobs", "1", str(tmp_path)]) == 130
    out = capsys.readouterr().out
    assert out.index("error[TN506]") < out.index("no reports in 1 file")


@pytest.mark.parametrize("other", ["--fix", "--write-baseline", "-"])
def test_it_writes_nothing(other: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--watch", other]) == 2
    assert "--watch" in capsys.readouterr().err
