"""Diagnostics: what the checker and the errors of the run time say, before it is rendered.

A diagnostic has one primary span, any number of secondary ones with a label each, help, and edits that fix it.
"""

from dataclasses import dataclass

__all__ = ["Diagnostic", "Edit", "Label", "Span"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of source text. Lines count from 1, columns (characters, not bytes) from 0; the end is exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Label:
    """A span and what is said of it, such as "borrowed here"; "" says nothing."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """The text of a span, replaced."""

    span: Span
    replacement: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: the law's code, the rule's name, one line of what happened, and where.

    `labels` are the other places that matter, in the order of the story told; `help` is what to write instead.
    `edits` fix it safely, or are empty. `certain` says that a run of this code breaks the law (`tenure run`
    refuses it); `tier` is "default", "strict" (what may happen) or "annotated" (a promise of the code broken).
    """

    code: str
    rule: str
    message: str
    primary: Label
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    edits: tuple[Edit, ...] = ()
    certain: bool = False
    tier: str = "default"
