"""A list of reports as JSON. Lines and columns count from 1, ends are exclusive; lines of a notebook in its `cell`."""

import json
from collections.abc import Iterable
from typing import Any

from tenure.check.notebook import parted
from tenure.diagnostic import Diagnostic, Span
from tenure.report.text import head_of

__all__ = ["document"]


def document(found: Iterable[Diagnostic]) -> str:
    """The whole output."""
    return json.dumps([_report(one) for one in found], indent=2, ensure_ascii=False) + "\n"


def _report(one: Diagnostic) -> dict[str, Any]:
    return {
        "code": one.code,
        "rule": one.rule,
        "level": head_of(one),
        "message": one.message,
        **_place(one.primary.span),
        "label": one.primary.text,
        "related": [{**_place(label.span), "label": label.text} for label in one.labels],
        "notes": list(one.notes),
        "help": one.help,
        "fix": [{**_place(edit.span), "replacement": edit.replacement} for edit in one.edits],
        "certain": one.certain,
        "tier": one.tier,
    }


def _place(span: Span) -> dict[str, Any]:
    path, cell = parted(span.path)
    return {
        "path": path,
        **({} if cell is None else {"cell": cell}),
        "line": span.line,
        "column": span.column + 1,
        "end_line": span.end_line,
        "end_column": span.end_column + 1,
    }
