"""The fixes: what is written, that it stays as it was elsewhere, and that fixing twice changes nothing."""

from __future__ import annotations

import ast
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.check.engine import check
from tenure.check.fix import _apart, edited, proven, write
from tenure.check.rules import RULES, Rule
from tenure.check.source import read_bytes
from tenure.cli.main import main
from tenure.diagnostic import Diagnostic, Edit, Label, Span


def edit(line: int, start: int, end: int, text: str, end_line: int | None = None, path: str = "a.py") -> Edit:
    return Edit(Span(path, line, start, end_line or line, end), text)


def report(*edits: Edit, message: str = "m") -> Diagnostic:
    return Diagnostic("TN506", "r", message, Label(edits[0].span), edits=edits)


@pytest.mark.parametrize(
    ("before", "edits", "after"),
    [
        (b"a = b\n", [edit(1, 5, 5, ".copy()")], b"a = b.copy()\n"),
        (b"f(x, y)\n", [edit(1, 2, 3, "list(x)"), edit(1, 5, 6, "list(y)")], b"f(list(x), list(y))\n"),
        (b"a\r\nb\r\n", [edit(2, 0, 1, "c\nd")], b"a\r\nc\r\nd\r\n"),
        (b"a\rb\r", [edit(2, 0, 1, "c")], b"a\rc\r"),
        ("# é\nx = 'é' + y\n".encode(), [edit(2, 10, 11, "z")], "# é\nx = 'é' + z\n".encode()),
        (b"# coding: latin-1\n\xe9 = 1\n", [edit(2, 4, 5, "\xe8")], b"# coding: latin-1\n\xe9 = \xe8\n"),
        (b"\xef\xbb\xbfa = 1\n", [edit(1, 4, 5, "2")], b"\xef\xbb\xbfa = 2\n"),
        (b"f(\n  a,\n)\nb", [edit(1, 1, 1, "[]", end_line=3)], b"f[]\nb"),
        (b"a", [edit(1, 1, 1, "b")], b"ab"),
    ],
)
def test_edits(before: bytes, edits: list[Edit], after: bytes) -> None:
    assert edited(before, edits) == after


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), st.data())
def test_only_the_span_changes(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    out = edited(f"# -*- coding: utf-8 -*-\n{text}\n".encode(), [edit(2, start, end, "<new>")])
    assert out.decode() == f"# -*- coding: utf-8 -*-\n{text[:start]}<new>{text[end:]}\n"


def on_trial(path: Path, found: list[Diagnostic]) -> Callable[[], list[Diagnostic]]:
    """A check whose reports go once the text of their edit is there."""

    def check() -> list[Diagnostic]:
        text = read_bytes(str(path)).decode()
        return [one for one in found if not all(edit.replacement in text for edit in one.edits)]

    return check


def test_of_edits_that_overlap_the_first_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("f(x)\n")
    name = str(path)
    found = [
        report(edit(1, 2, 3, "y", path=name), message="a"),
        report(edit(1, 0, 4, "g", path=name), message="b"),
        report(edit(1, 2, 3, "z", path=name), edit(1, 4, 4, ";", path=name), message="c"),
        report(edit(1, 4, 4, "!", path=name), message="d"),
    ]
    assert [one.message for one in _apart(found)] == ["a", "d"]
    fixes = proven(on_trial(path, [found[0], found[3]]))
    assert (fixes.contents, fixes.number) == ({name: b"f(y)!\n"}, 2)
    assert path.read_text() == "f(x)\n", "nothing is written before"


def test_a_fix_that_does_not_end_its_report_or_brings_another_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("f(x)\n")
    lasting, good = report(edit(1, 2, 3, "y", path=str(path))), report(edit(1, 4, 4, "!", path=str(path)), message="n")
    assert proven(lambda: [lasting]).contents == {}

    def check() -> list[Diagnostic]:
        text = read_bytes(str(path)).decode()
        return [lasting, *([] if "!" in text else [good]), *([report(edit(1, 0, 0, "", path="b"))] * ("y" in text))]

    assert proven(check).contents == {str(path): b"f(x)!\n"}


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "a.py", tmp_path / "link.py"
    path.write_text("a\n")
    path.chmod(0o755)
    link.symlink_to(path)
    write({str(link): b"b\n"})
    assert link.is_symlink() and path.read_text() == "b\n"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o755
    assert sorted(os.listdir(tmp_path)) == ["a.py", "link.py"]


UNPROVEN = {
    "the net of a state dict": """
from torch import nn, optim
def train(net: nn.Linear):
    opt = optim.SGD(net.parameters(), lr=0.1)
    best = net.state_dict()
    opt.step()
    net.load_state_dict(best)
""",
    "positions in another list": """
layers = [1, 0, 0]
for i, layer in enumerate(layers):
    if not layer:
        del layers[i]
""",
    "a loop that waits for its list": """
def drain(todo: list):
    while todo:
        for one in todo:
            todo.remove(one)
""",
    "an iterator without an end": """
import itertools
def walk(points: set):
    for i, p in zip(itertools.count(), points):
        points.discard(p)
""",
    "a view that is written on purpose": """
import numpy as np
def f(a: np.ndarray):
    row = a[0]
    a += 1.0
    print(row)
    row += 1.0
    return a
""",
}


@pytest.mark.parametrize("program", UNPROVEN.values(), ids=list(UNPROVEN))
def test_nothing_is_written_without_a_proof(program: str, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(program)
    main(["check", "--fix", "--no-cache", "--jobs", "1", str(path)])
    assert path.read_text() == program


def test_a_dry_run_shows_the_changes_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.py"
    before = "def f(xs: list):\n    for x in xs:\n        xs.remove(x)\n"
    path.write_text(before)
    assert main(["check", "--fix", "--dry-run", "--no-cache", str(path)]) == 1
    out = capsys.readouterr().out
    assert "-    for x in xs:\n+    for x in list(xs):\n" in out and out.endswith("1 report would be fixed\n")
    assert path.read_text() == before
    assert main(["check", "--dry-run", str(path)]) == 2
    assert "--dry-run" in capsys.readouterr().err


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_a_fix_mends_what_it_says_and_fixing_again_changes_nothing(rule: Rule, tmp_path: Path) -> None:
    """Of the wrong program of each rule: what is left has no fix, parses, and the report is gone if it had one."""
    path = tmp_path / "wrong.py"
    path.write_text(rule.wrong)
    before = check([str(path)]).diagnostics
    assert main(["check", "--fix", "--no-cache", "--exit-zero", "--jobs", "1", str(path)]) == 0
    once = path.read_text()
    ast.parse(once)
    after = check([str(path)]).diagnostics
    assert not any(one.edits for one in after)
    assert len(after) == len(before) - sum(bool(one.edits) for one in before)
    main(["check", "--fix", "--no-cache", "--exit-zero", "--jobs", "1", str(path)])
    assert path.read_text() == once
    if not any(one.edits for one in before):
        assert once == rule.wrong


def test_unused_suppressions_are_fixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.py"
    path.write_text("a = 1  # tenure: ignore[TN506]\n")
    assert main(["check", "--fix", "--no-cache", str(path)]) == 0
    assert path.read_text() == "a = 1\n"
    assert capsys.readouterr().out == "fixed 1, no reports in 1 file\n"
