"""What is remembered between runs, and when it no longer counts."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.check import parallel, session
from tenure.check.cache import FOLDER, Cache, version
from tenure.check.session import Options, run
from tenure.diagnostic import Diagnostic, Edit, Label, Span

WRONG = "import helper\nxs = [1, 2]\nfor x in xs:\n    xs.remove(x)\n"


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """In a folder with a few files: the files of each check that was really made."""
    monkeypatch.chdir(tmp_path)
    Path("main.py").write_text(WRONG)
    Path("helper.py").write_text("import base\ndef f(x: int) -> int:\n    return base.g(x)\n")
    Path("base.py").write_text("def g(x: int) -> int:\n    return x\n")
    Path("alone.py").write_text("a = 1\n")
    made: list[list[str]] = []

    def note(files: Sequence[str], *arguments: Any) -> parallel.Checked:
        made.append(sorted(files))
        return parallel.check_files(files, *arguments)

    monkeypatch.setattr(session, "check_files", note)
    return made


def rules(**options: Any) -> list[tuple[str, str]]:
    return [(one.primary.span.path, one.rule) for one in run(Options(jobs=1, **options)).found]


FOUND = [("main.py", "modified-while-iterated")]


def test_what_did_not_change_is_not_checked_again(checked: list[list[str]]) -> None:
    assert rules() == rules() == rules() == FOUND
    assert checked == [["alone.py", "base.py", "helper.py", "main.py"]]


def test_a_change_reaches_those_that_depend_on_it(checked: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    def depending(files: Sequence[str], *arguments: Any) -> parallel.Checked:
        checked.append(sorted(files))
        found = parallel.check_files(files, *arguments).found
        return parallel.Checked(found, {"main.py": {"helper.py"}, "helper.py": {"base.py"}, "base.py": set()})

    monkeypatch.setattr(session, "check_files", depending)
    rules()
    Path("base.py").write_text("def g(x: int) -> int:\n    return x + 1\n")
    assert rules() == FOUND
    assert checked[1:] == [["base.py", "helper.py", "main.py"]]
    Path("alone.py").write_text(WRONG)
    assert rules() == [("alone.py", "modified-while-iterated"), *FOUND]
    assert checked[2:] == [["alone.py"]]


def test_files_that_come_and_go(checked: list[list[str]]) -> None:
    rules()
    Path("helper.py").unlink()
    rules()
    assert "main.py" in checked[1] and "alone.py" not in checked[1], "an import leads elsewhere"
    Path("helper.py").write_text("x = 1\n")
    rules()
    assert "main.py" in checked[2] and "helper.py" in checked[2] and "alone.py" not in checked[2]


def test_options_and_settings_are_applied_afterwards(checked: list[list[str]]) -> None:
    assert rules() == FOUND
    assert rules(select=frozenset({"TN382"})) == []
    Path("pyproject.toml").write_text("[tool.tenure.check]\nignore = ['TN506']\n")
    assert rules() == []
    assert len(checked) == 1
    rules(strict=True)
    assert len(checked) == 2, "what may happen is another question"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"modified", b"modifled"),
        lambda data: b"x" + data[1:],  # no digest begins so
        lambda data: b"\xff\x00" * 100,
        lambda data: data.partition(b"\n")[0] + b"\n[]",
    ],
)
def test_what_is_damaged_is_not_believed(damage: Any, checked: list[list[str]]) -> None:
    rules()
    (file,) = Path(FOLDER).glob("*.json")
    file.write_bytes(damage(file.read_bytes()))
    assert rules() == FOUND
    assert len(checked) == 2
    assert rules() == FOUND and len(checked) == 2, "and is written anew"


def test_what_another_version_found_is_not_believed(checked: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    rules()
    monkeypatch.setattr("tenure.check.cache.version", lambda: "other")
    assert rules() == FOUND and len(checked) == 2


def test_whole_but_foreign(checked: list[list[str]]) -> None:
    from tenure.check.cache import digest

    rules()
    (file,) = Path(FOLDER).glob("*.json")
    for body in (b"{}", b'{"tree": 1, "files": 2}', b'{"tree": [], "files": {"main.py": [1]}}', b"null"):
        file.write_bytes(f"{version()} {digest(body)}\n".encode() + body)
        assert rules() == FOUND


def test_no_cache(checked: list[list[str]]) -> None:
    assert rules(cache=False) == rules(cache=False) == FOUND
    assert len(checked) == 2 and not Path(FOLDER).exists()
    Path("pyproject.toml").write_text("[tool.tenure.check]\ncache = false\n")
    rules()
    assert not Path(FOLDER).exists()


def test_a_folder_that_cannot_be_written_only_costs_time(checked: list[list[str]]) -> None:
    Path(FOLDER).write_text("in the way")
    assert rules() == rules() == FOUND


def test_it_is_left_out_of_git_and_does_not_grow(checked: list[list[str]]) -> None:
    for _ in range(3):
        rules()
    for n in range(30):
        Path(f"m{n}.py").write_text("a = 1\n")
        rules(paths=(f"m{n}.py",))
    assert Path(FOLDER, ".gitignore").read_text().endswith("*\n")
    assert len(list(Path(FOLDER).iterdir())) <= 17


def test_every_part_of_a_report_is_remembered(tmp_path: Path) -> None:
    span = Span("a.py", 1, 2, 3, 4)
    found = Diagnostic(
        "TN506", "r", "é\n", Label(span, "x"), (Label(span, ""),), ("n",), "h", (Edit(span, "t"),), True, "strict"
    )
    contents = {"a.py": b"x"}
    Cache(str(tmp_path)).store(contents, {"a.py": [found]}, {"a.py": {"a.py"}})
    again = Cache(str(tmp_path))
    again.load()
    assert again.known(contents) == {"a.py": [found]}
    assert again.known({"a.py": b"y"}) == {}
    assert os.listdir(tmp_path) and json.loads(next(tmp_path.glob("*.json")).read_bytes().split(b"\n", 1)[1])


PURE, WRITES = "def f(x):\n    return x + 1\n", "import torch\ndef f(x: torch.Tensor):\n    x.data = torch.zeros(3)\n"
BETWEEN = "from {} import f as g\ndef f(x):\n    g(x)\n"
PROGRAM = "import torch\nfrom {} import f\na = [torch.ones(3)]\nk = a[0]\nf(a[0])\nprint(k)\n"
VARIANTS: dict[str, tuple[str | None, ...]] = {
    "low": (WRITES, PURE, None),
    "other": (PURE, WRITES, None),
    "mid": (BETWEEN.format("low"), BETWEEN.format("other"), PURE),
    "top": (PROGRAM.format("mid"), PROGRAM.format("low")),
}
STATES = st.fixed_dictionaries({name: st.integers(0, len(texts) - 1) for name, texts in VARIANTS.items()})


@settings(max_examples=40, deadline=None)
@given(states=st.lists(STATES, min_size=2, max_size=4))
def test_after_any_edits_it_says_what_a_check_says(
    states: list[dict[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, before = tmp_path_factory.mktemp("edits"), os.getcwd()
    os.chdir(folder)
    try:
        for state in states:
            for name, number in state.items():
                text = VARIANTS[name][number]
                if text is None:
                    Path(f"{name}.py").unlink(missing_ok=True)
                else:
                    Path(f"{name}.py").write_text(text)
            assert run(Options(jobs=1)).found == run(Options(jobs=1, cache=False)).found
    finally:
        os.chdir(before)
