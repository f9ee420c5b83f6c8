"""What an error says, and that it says the same after copying and pickling."""

import copy
import html
import inspect
import linecache
import pickle
import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tenure import errors
from tenure.errors import (
    BorrowError,
    InternalError,
    OutOfRange,
    OwnershipError,
    ShapeError,
    Site,
    TenureError,
    UseAfterMove,
    WriteError,
)
from tenure.report import style

CLASSES = [getattr(errors, name) for name in errors.__all__ if name != "Site"]


def here() -> Site:
    """The site of the call to this function."""
    frame = sys._getframe(1)
    assert isinstance(frame, FrameType)
    return Site.of(frame.f_code, frame.f_lasti)


def site_in(path: Path, source: str) -> Site:
    """The site of the call `here()` in a module with this source."""
    path.write_text(source)
    linecache.checkcache(str(path))
    namespace: dict[str, Any] = {"here": here}
    exec(compile(source, str(path), "exec"), namespace)
    found = namespace["site"]
    assert isinstance(found, Site)
    return found


def test_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    consumed = Site(str(tmp_path / "train.py"), 28, "    loss.backward()", 4, 19)
    again = Site(str(tmp_path / "train.py"), 31, "    (loss + 1).backward()")
    error = UseAfterMove(
        "the graph of `loss` was consumed",
        at=again,
        notes=[("consumed here", consumed), ("a graph is consumed by its first backward()", None)],
        help="pass retain_graph=True to the first backward()",
    )
    assert str(error) == (
        "TN382: the graph of `loss` was consumed\n"
        "  --> train.py:31\n"
        "   |\n"
        "28 |     loss.backward()\n"
        "   |     --------------- consumed here\n"
        "...\n"
        "31 |     (loss + 1).backward()\n"
        "   |     ^^^^^^^^^^^^^^^^^^^^^\n"
        "   = note: a graph is consumed by its first backward()\n"
        "   = help: pass retain_graph=True to the first backward()"
    )


def test_other_renderings_say_the_same() -> None:
    error = WriteError("`a<b` is written", at=here(), help="don't")
    coloured = error.render(style.colour)
    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == str(error)
    page = error._repr_html_()
    assert page.startswith("<pre") and page.endswith("</pre>")
    assert html.unescape(re.sub(r"<[^>]*>", "", page)) == str(error)


def test_without_a_code_the_message_comes_first() -> None:
    assert str(InternalError("%3 is used before it is defined")) == "%3 is used before it is defined"
    assert str(TenureError("odd")) == "odd"


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("code", [None, "TN499", "TN506"])
def test_copies_and_pickles_to_the_same_text(cls: type[TenureError], code: str | None) -> None:
    error = cls("said", code=code, at=here(), notes=[("there", here()), ("so", None)], help="do")
    for other in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is cls
        assert str(other) == str(error)
        assert vars(other) == vars(error)
    if error.code is not None:
        assert str(error).startswith(f"{error.code}: said\n")


def test_a_copy_is_raised_again_with_the_same_text() -> None:
    original = OutOfRange("index 3", at=here())
    for _ in range(2):
        with pytest.raises(OutOfRange) as caught:
            raise copy.copy(original)
        assert str(caught.value) == str(original)
    assert original.__traceback__ is None


def test_builtin_parents() -> None:
    for name, builtin in {
        "ShapeError": ValueError,
        "DTypeError": TypeError,
        "OutOfRange": IndexError,
        "GradientError": RuntimeError,
        "OwnershipError": RuntimeError,
        "AnomalyError": RuntimeError,
        "StateDictError": RuntimeError,
        "InternalError": AssertionError,
    }.items():
        assert issubclass(getattr(errors, name), builtin)
    for name in ("UseAfterMove", "BorrowError", "WriteError", "StaleBorrowError"):
        assert issubclass(getattr(errors, name), OwnershipError)


def test_the_docstring_draws_every_class() -> None:
    tree = inspect.getdoc(errors)
    assert tree is not None
    for cls in CLASSES:
        line = next(line for line in tree.splitlines() if cls.__name__ in line.split())
        assert cls.code is None or cls.code in line


def test_code_is_overridden_for_one_error_only() -> None:
    assert BorrowError("b", code="TN499").code == "TN499"
    assert BorrowError.code is None
    assert ShapeError("s").code == "TN802"


class TestSite:
    def test_columns_are_those_of_the_instruction(self, tmp_path: Path) -> None:
        site = site_in(tmp_path / "a.py", "x = 1\nsite = [here()][0]\n")
        assert (site.line, site.text, site.column, site.end_column) == (2, "site = [here()][0]", 8, 14)

    def test_columns_count_characters_not_bytes(self, tmp_path: Path) -> None:
        site = site_in(tmp_path / "a.py", 'é = "中"; site = here()\n')
        assert site.text[site.column : site.end_column] == "here()"
        lines = str(TenureError("m", at=site)).splitlines()
        assert lines[3] == '1 | é = "中"; site = here()'
        assert lines[4] == "  | " + " " * 17 + "^^^^^^"

    def test_tabs_are_four_blanks(self, tmp_path: Path) -> None:
        site = site_in(tmp_path / "a.py", "if True:\n\tsite =\there()\n")
        text, underline = str(TenureError("m", at=site)).splitlines()[3:]
        assert (text, underline) == ("2 |     site =    here()", "  |               ^^^^^^")

    def test_an_expression_of_many_lines_is_underlined_to_the_end_of_the_first(self, tmp_path: Path) -> None:
        site = site_in(tmp_path / "a.py", "site = here(\n)\n")
        assert (site.line, site.column, site.end_column) == (1, 7, 12)

    @pytest.mark.parametrize("filename", ["<stdin>", "<string>", "/nowhere/gone.py"])
    def test_without_source_there_is_no_text(self, filename: str) -> None:
        site = Site.of(compile("\n\nf()", filename, "exec"), -1)
        assert (site.text, site.column) == ("", None)
        assert str(site) == f"{filename}:{site.line}"
        assert str(TenureError("m", at=site)) == f"m\n --> {filename}:{site.line}"

    @pytest.mark.parametrize("lasti", [-1, 10_000])
    def test_an_unknown_offset_gives_the_first_line(self, lasti: int) -> None:
        site = Site.of(here.__code__, lasti)
        assert site.line == here.__code__.co_firstlineno
        assert site.text == "def here() -> Site:"

    def test_a_changed_file_does_not_underline_past_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "a.py"
        code = compile("some_long_name = f(1, 2, 3)", str(path), "exec")
        path.write_text("x\n")
        site = Site.of(code, len(code.co_code) - 2)
        assert (site.text, site.column, site.end_column) == ("x", 0, 1)

    def test_path_is_relative_when_shorter(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "deep" / "down").mkdir(parents=True)
        monkeypatch.chdir(tmp_path)
        assert str(Site(str(tmp_path / "train.py"), 31, "")) == "train.py:31"
        assert str(Site("/x.py", 1, "")) == "/x.py:1"

    def test_path_when_the_working_directory_is_gone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = tmp_path / "gone"
        gone.mkdir()
        monkeypatch.chdir(gone)
        gone.rmdir()
        assert str(Site("/x/train.py", 1, "")) == "/x/train.py:1"
