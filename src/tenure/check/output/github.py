"""Annotations of GitHub Actions: workflow commands, one report a line."""

import os
from collections.abc import Iterable

from tenure.check.notebook import parted
from tenure.diagnostic import Diagnostic, Label
from tenure.report.text import head_of

__all__ = ["document"]


def document(found: Iterable[Diagnostic]) -> str:
    """The whole output."""
    return "".join(_command(one) + "\n" for one in found)


def _command(one: Diagnostic) -> str:
    span = one.primary.span
    path, cell = parted(span.path)
    properties = {
        "title": f"{one.code} {one.rule}{'' if cell is None else f', cell {cell}'}",
        "file": path.replace(os.sep, "/"),
        "line": span.line,
        "col": span.column + 1,
        "endLine": span.end_line,
        "endColumn": span.end_column + 1,
    }
    listed = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in properties.items())
    parts = [one.message, *(_told(label) for label in one.labels if label.text), *one.notes]
    if one.help is not None:
        parts.append(f"help: {one.help}")
    return f"::{head_of(one)} {listed}::{_escaped(chr(10).join(parts))}"


def _told(label: Label) -> str:
    return f"{label.span.path}:{label.span.line}: {label.text}"


def _escaped(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
