"""The form of a report, word by word."""

from __future__ import annotations

import html
import io
import re
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.diagnostic import Diagnostic, Label, Span
from tenure.report import line, style, text

SOURCE = """\
import torch

def g(v):
    v.data = torch.zeros(3)
k = a[0]
x = 1
g(a[0])
print(k); print(k, k)
"""


def span(number: int, start: int, end: int, path: str = "train.py", end_line: int | None = None) -> Span:
    return Span(path, number, start, end_line or number, end)


def lines_of(**files: str) -> text.Lines:
    """Files by name (`train` is train.py)."""
    split = {f"{name}.py": source.split("\n") for name, source in files.items()}
    return lambda path, number: dict(enumerate(split.get(path, []), 1)).get(number)


def diagnostic(primary: Label, *labels: Label, help: str | None = None, tier: str = "default") -> Diagnostic:
    return Diagnostic("TN506", "rule", "it is written", primary, labels, help=help, tier=tier)


def shown(source: str, primary: Label, *labels: Label) -> str:
    """The excerpt: what follows head, place and empty gutter."""
    return text.render(diagnostic(primary, *labels), lines_of(train=source)).split("|\n", 1)[1]


def test_the_whole() -> None:
    found = Diagnostic(
        "TN506",
        "view-read-after-write",
        "`a[0]` is written while `k` refers to it",
        Label(span(7, 0, 7), "written here, through g"),
        (
            Label(span(5, 4, 8), "`k` refers to `a[0]` from here"),
            Label(span(8, 6, 7), "used again here"),
            Label(span(1, 0, 6, "other.py"), "defined here"),
        ),
        ("g writes what it is given",),
        "keep the value:\nk = a[0].clone()",
    )
    assert text.render(found, lines_of(train=SOURCE, other="def h(): ...")) == dedent(
        """\
        error[TN506]: `a[0]` is written while `k` refers to it
         --> train.py:7:1
          |
        5 | k = a[0]
          |     ---- `k` refers to `a[0]` from here
        6 | x = 1
        7 | g(a[0])
          | ^^^^^^^ written here, through g
        8 | print(k); print(k, k)
          |       - used again here
         ::: other.py:1:1
          |
        1 | def h(): ...
          | ------ defined here
          = note: g writes what it is given
          = help: keep the value:
                  k = a[0].clone()"""
    )


def test_labels_of_one_line() -> None:
    assert shown(
        "swap(x, x[0], y)\n",
        Label(span(1, 8, 12), "written"),
        Label(span(1, 5, 6), "read"),
        Label(span(1, 0, 4), "called"),
    ) == dedent(
        """\
        1 | swap(x, x[0], y)
          | ---- -  ^^^^ written
          | |    |
          | |    read
          | called"""
    )


def test_a_label_to_the_right_without_text_leaves_the_others_below() -> None:
    assert shown("f(x, x)\n", Label(span(1, 2, 3), "lent"), Label(span(1, 5, 6))) == dedent(
        """\
        1 | f(x, x)
          |   ^  -
          |   |
          |   lent"""
    )


def test_marks_that_overlap() -> None:
    outer, inner = Label(span(1, 0, 7), "the call"), Label(span(1, 2, 3), "the argument")
    assert shown("f(x, x)\n", inner, outer) == dedent(
        """\
        1 | f(x, x)
          | --^----
          | | |
          | | the argument
          | the call"""
    )


def test_two_labels_of_one_span_are_both_said() -> None:
    said = shown("f(x)\n", Label(span(1, 2, 3), "written"), Label(span(1, 2, 3), "read"))
    assert "written" in said and "read" in said and "^" in said and "-" not in said


def test_lines_far_apart_and_line_numbers_of_different_length() -> None:
    source = "a\n" * 100
    assert shown(source, Label(span(100, 0, 1), "there"), Label(span(9, 0, 1), "here"), Label(span(7, 0, 1))) == dedent(
        """\
          7 | a
            | -
          8 | a
          9 | a
            | - here
        ...
        100 | a
            | ^ there"""
    )


def test_a_span_of_many_lines_is_underlined_to_the_end_of_its_first() -> None:
    assert shown("x = f(\n  1)\n", Label(span(1, 4, 4, end_line=2), "here")) == "1 | x = f(\n  |     ^^ here"


def test_columns_that_are_not_known_underline_the_line() -> None:
    found = diagnostic(Label(span(1, 0, 0)))
    assert text.render(found, lines_of(train="    x = 1\n")).splitlines()[1:] == [
        " --> train.py:1",
        "  |",
        "1 |     x = 1",
        "  |     ^^^^^",
    ]


def test_a_span_behind_the_end_of_its_line() -> None:
    assert shown("ab\n", Label(span(1, 5, 9))) == "1 | ab\n  |   ^"


def test_missing_source() -> None:
    found = diagnostic(Label(span(3, 1, 2), "written"), Label(span(1, 0, 1, "b.py"), "lent"), help="copy")
    assert text.render(found, lambda path, number: None) == dedent(
        """\
        error[TN506]: it is written
         --> train.py:3:2: written
         ::: b.py:1:1: lent
          = help: copy"""
    )


def test_tabs_wide_and_combining_characters() -> None:
    source = "\tx中 = y\u0301 + z\n"
    for character, columns in {"x": (4, 5), "中": (5, 7), "y": (10, 11), "z": (14, 15)}.items():
        at = source.index(character)
        row = shown(source, Label(span(1, at, at + 1))).splitlines()[1]
        assert row == "  | " + " " * columns[0] + "^" * (columns[1] - columns[0])


def test_what_a_terminal_would_act_upon_is_shown() -> None:
    said = shown("x = '\x1b[31m\x07\u202e'\r\n", Label(span(1, 0, 1)))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", said)
    assert said.startswith("1 | x = '\N{REPLACEMENT CHARACTER}[31m")


@pytest.mark.parametrize("at", [0, 100, 5000, 9999])
def test_of_a_very_long_line_the_part_around_the_marks(at: int) -> None:
    source = "a" * at + "B" + "c" * (9999 - at) + "\n"
    row, marks = shown(source, Label(span(1, at, at + 1), "here")).splitlines()
    assert len(row) < line.WIDTH + 20
    assert row[marks.index("^")] == "B"
    assert ("..." in row[:8]) == (at > 30)


def test_what_may_happen_is_a_warning() -> None:
    found = diagnostic(Label(span(1, 0, 1)), tier="strict")
    assert text.render(found, lines_of(train="x\n")).startswith("warning[TN506]: ")


@pytest.mark.parametrize(("head", "start"), [("TN506", "TN506: it is"), ("", "it is"), (None, "error[TN506]: it is")])
def test_heads(head: str | None, start: str) -> None:
    assert text.render(diagnostic(Label(span(1, 0, 1))), lines_of(), head=head).startswith(start)


MARKS = st.builds(
    lambda number, start, length, said: Label(span(number, start, start + length), said),
    st.integers(1, 4),
    st.integers(0, 30),
    st.integers(0, 12),
    st.sampled_from(["", "lent", "written <&> here"]),
)


@given(
    st.lists(st.text(st.characters(exclude_characters="\n"), max_size=30), min_size=4, max_size=4),
    MARKS,
    st.lists(MARKS, max_size=4),
)
def test_any_marks_over_any_text(source: list[str], primary: Label, labels: list[Label]) -> None:
    found, lines = diagnostic(primary, *labels), lines_of(train="\n".join(source))
    plain = text.render(found, lines)
    assert re.sub(r"\x1b\[[\d;]*m", "", text.render(found, lines, style.colour)) == plain
    page = re.sub(r"<[^>]*>", "", text.as_html(found, lines))
    assert [row.rstrip() for row in html.unescape(page).split("\n")] == [row.rstrip() for row in plain.split("\n")]
    for label in (primary, *labels):
        assert label.text in plain
    assert "^" in plain
    assert all(character.isprintable() or character == "\n" for character in plain)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "expected"),
    [
        (Terminal(), {}, style.colour),
        (io.StringIO(), {}, style.plain),
        (Terminal(), {"NO_COLOR": "1"}, style.plain),
        (Terminal(), {"NO_COLOR": ""}, style.colour),
        (io.StringIO(), {"FORCE_COLOR": "1"}, style.colour),
        (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, style.plain),
        (Terminal(), {"TERM": "dumb"}, style.plain),
    ],
)
def test_colour_is_for_terminals(
    stream: io.StringIO, environment: dict[str, str], expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert style.painter_for(stream) is expected
