"""Notebooks: cells in order, reports by cell and line, magics skipped, and broken cells left out."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.check.notebook import NotebookError, left_out, program
from tenure.cli.main import main


def book(*cells: str | tuple[str, str], language: str = "python") -> str:
    """A notebook of code cells, or of pairs of type and text."""
    made = [cell if isinstance(cell, tuple) else ("code", cell) for cell in cells]
    rows = [{"cell_type": kind, "source": text.splitlines(keepends=True)} for kind, text in made]
    return json.dumps({"cells": rows, "metadata": {"language_info": {"name": language}}, "nbformat": 4})


def check(tmp_path: Path, text: str, *options: str) -> int:
    path = tmp_path / "book.ipynb"
    path.write_text(text, encoding="utf-8")
    return main(["check", "--no-cache", "--jobs", "1", *options, str(path)])


def test_a_bug_across_cells_is_reported_by_cell_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = book(
        ("markdown", "# A page"),
        "%matplotlib inline\nimport numpy as np\na = np.zeros((2, 2))",
        "row = a[0]\n!ls {row}",
        "# add\na += 1.0\nprint(row)",
    )
    assert check(tmp_path, text) == 1
    out = capsys.readouterr().out
    assert "book.ipynb:cell 4:2:1" in out and "book.ipynb:cell 3:1:7" in out
    assert "2 | a += 1.0" in out and "1 | row = a[0]" in out
    check(tmp_path, text, "--output-format", "json")
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["cell"], one["line"], one["fix"]) == (4, 2, []) and one["path"].endswith("book.ipynb")
    assert [(r["cell"], r["line"]) for r in one["related"]] == [(3, 1), (4, 3)]
    check(tmp_path, text, "--output-format", "sarif")
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert result["locations"][0]["logicalLocations"] == [{"name": "cell 4"}]


@pytest.mark.parametrize(
    "cell",
    [
        "%time x = 1\ny = 2",
        "!pip install -q numpy",
        "files = !ls\nfor f in files:\n    %timeit f\n",
        "if True:\n    !echo {x}\nelse:\n    %cd ..",
        "x?\nx.append??\n?print",
        "%%time\nx = 1",
        "x = %env HOME\nx",
        'text = """\n%not a magic\n!nor this\n"""\n%magic',
        "x = (3\n% 2)\n!ls",
        "total = 7 \\\n% 4\n%who",
        "import os; !ls",
    ],
)
def test_magics_and_shell_lines_are_skipped(cell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = program(book(cell, "last = 1").encode()).decode()
    assert len(made.splitlines()) == cell.count("\n") + 2
    assert ast.parse(made).body[-1].lineno == cell.count("\n") + 2
    if ";" not in cell:
        assert left_out(book(cell).encode()) == []


def test_lines_of_a_string_that_look_like_magics_stay() -> None:
    made = program(book('text = """\n%not a magic\n"""\n%magic').encode()).decode()
    assert "%not a magic" in made and made.endswith("pass\n")


@pytest.mark.parametrize("first", ["%%bash", "%%html", "%%writefile x.py", "%%javascript"])
def test_cells_in_other_languages_are_left_out(first: str) -> None:
    assert program(book(f"{first}\nrm -r $x\n", "a = 1").encode()).decode().split() == ["a", "=", "1"]


def test_a_cell_that_does_not_parse_is_one_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = book("xs = [1]", "for x in (:\n    pass", "for x in xs:\n    xs.remove(x)")
    assert check(tmp_path, text) == 1
    out = capsys.readouterr().out
    assert "book.ipynb:cell 2:1" in out and "the cell is left out" in out
    assert "modified-while-iterated" in out and "cell 3:2:5" in out


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "it is not JSON"), ("[]", "no object"), ("{}", "no list of cells"), ("\ud800", "")],
)
def test_what_is_no_notebook_is_one_clear_error(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "book.ipynb"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert main(["check", "--no-cache", "--jobs", "1", str(path)]) == 1
    assert said in capsys.readouterr().out


def test_notebooks_of_other_languages_have_no_reports(tmp_path: Path) -> None:
    assert check(tmp_path, book("for (x in xs) print(x)", language="R")) == 0


def test_old_notebooks_have_worksheets() -> None:
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["a = 1\n", "b = 2"]}]}], "metadata": {}}
    assert program(json.dumps(old).encode()) == b"a = 1\nb = 2\n"


def test_comments_and_fixes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bug = "xs = [1, 2]\nfor x in xs:\n    xs.remove(x)"
    assert check(tmp_path, book(bug + "  # tenure: ignore[TN506]")) == 0
    text = book(bug)
    assert check(tmp_path, text, "--fix") == 1
    assert (tmp_path / "book.ipynb").read_text(encoding="utf-8") == text, "notebooks are not written"


def test_folders_have_notebooks_too(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(book("xs = [1]\nfor x in xs:\n    xs.remove(x)"), encoding="utf-8")
    assert main(["check", "--no-cache", "--jobs", "1", str(tmp_path)]) == 1


@given(st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["cells", "metadata", "source", "cell_type", "worksheets", "language_info"]), inner)))  # fmt: skip
def test_no_json_crashes(value: object) -> None:
    try:
        program(json.dumps(value).encode())
        left_out(json.dumps(value).encode())
    except NotebookError:
        pass
