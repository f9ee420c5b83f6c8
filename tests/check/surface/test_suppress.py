"""Comments that suppress reports, and the reports of those that do not."""

from __future__ import annotations

import pytest

from tenure.check import suppress
from tenure.check.fix import edited
from tenure.diagnostic import Diagnostic, Label, Span


def report(line: int, code: str = "TN506", rule: str = "view-read-after-write", end: int | None = None) -> Diagnostic:
    return Diagnostic(code, rule, "m", Label(Span("a.py", line, 0, end or line, 1)))


def left(text: str, *found: Diagnostic) -> list[int]:
    """The lines of the reports that stay."""
    comments = suppress.suppressions("a.py", text)
    return [one.primary.span.line for one in suppress.unsuppressed(found, comments)]


def unused(text: str, *found: Diagnostic) -> list[tuple[int, str]]:
    comments = suppress.suppressions("a.py", text)
    suppress.unsuppressed(found, comments)
    return [(one.primary.span.line, one.message) for one in suppress.unused(comments, text, lambda name: True)]


def fixed(text: str, *found: Diagnostic) -> str:
    comments = suppress.suppressions("a.py", text)
    suppress.unsuppressed(found, comments)
    edits = [edit for one in suppress.unused(comments, text, lambda name: True) for edit in one.edits]
    return edited(text.encode(), edits).decode()


@pytest.mark.parametrize(
    "comment",
    [
        "# tenure: ignore",
        "# tenure: ignore[TN506]",
        "#tenure:ignore[tn506]",
        "# tenure: ignore[TN382, view-read-after-write]",
        "# tenure: ignore[View_Read_After_Write]",
        "# noqa: TN506",
        "# noqa: E501, TN506",
        "# noqa: E501 TN506",
        "# noqa",
        "# type: ignore  # tenure: ignore[TN506]",
        "# why  # noqa: TN506  # and more",
        "# NoQA: tn506",
        "# Tenure: Ignore[TN506]",
    ],
)
def test_suppresses(comment: str) -> None:
    text = f"x = 1\ny = 2  {comment}\n"
    assert left(text, report(1), report(2)) == [1]
    assert suppress.may_suppress(text.encode())
    # Without a report it matters only if it can be one that is not used.
    named = "tenure" in comment.lower() or "tn506" in comment.lower()
    assert suppress.may_suppress(text.encode(), reported=False) == named


@pytest.mark.parametrize(
    "comment",
    [
        "# tenure: ignore[TN382]",
        "# tenure: ignored",
        "# tenure: ignore[]",
        "# noqa: E501",
        "# noqa: F401,E501",
        "ignore",
        "# type: ignore",
    ],
)
def test_does_not(comment: str) -> None:
    assert left(f"x = 1 #\ny = 2  # {comment}\n", report(2)) == [2]


def test_in_a_string_it_is_no_comment() -> None:
    assert left('x = "# tenure: ignore[TN506]"\n', report(1)) == [1]


def test_a_comment_alone_counts_for_the_next_line_of_code() -> None:
    text = "# tenure: ignore[TN506]\n\n# why\nx = 1\ny = 2\n"
    assert left(text, report(4), report(5)) == [5]


def test_the_last_line_of_a_report_counts_too() -> None:
    assert left("f(\n  x)  # noqa: TN506\n", report(1, end=2)) == []


def test_what_does_not_parse_is_not_suppressed() -> None:
    assert left("def (  # tenure: ignore\n", report(1, "TN000", "syntax-error")) == [1]


def test_unused() -> None:
    text = "a = 1  # tenure: ignore[TN506, TN382]\nb = 2  # tenure: ignore\nc = 3  # noqa\nd = 4  # noqa: E501\n"
    assert unused(text, report(1)) == [
        (1, "this comment suppresses no report of `TN382`"),
        (2, "this comment suppresses no report"),
    ]
    assert unused("a = 1  # noqa: TN506\n") == [(1, "this comment suppresses no report of `TN506`")]
    assert unused("a = 1  # tenure: ignore[TN506]\n", report(1)) == []


def test_of_rules_that_are_off_nothing_is_said() -> None:
    comments = suppress.suppressions("a.py", "a = 1  # tenure: ignore[TN506]\n")
    assert list(suppress.unused(comments, "a = 1  # tenure: ignore[TN506]\n", lambda name: name != "TN506")) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = 1  # tenure: ignore[TN382]\n", "a = 1\n"),
        ("a = 1  # tenure: ignore[TN382, TN506]\n", "a = 1  # tenure: ignore[TN506]\n"),
        ("a = 1  # noqa: E501, TN382\n", "a = 1  # noqa: E501\n"),
        ("a = 1  # tenure: ignore[TN382]  # why\n", "a = 1  # why\n"),
        ("a = 1  # why  # tenure: ignore[TN382]\n", "a = 1  # why\n"),
        ("é = 1  # tenure: ignore[TN382]\r\nb\r\n", "é = 1\r\nb\r\n"),
    ],
)
def test_what_is_unused_is_removed(before: str, after: str) -> None:
    used = [report(1)] if "TN506" in before else []
    assert fixed(before, *used) == after
    assert fixed(after, *used) == after
