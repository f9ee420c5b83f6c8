"""Comments that suppress reports, and the report of those that suppress nothing.

x.data = y  # tenure: ignore[TN506]         by code or by rule; without brackets, every report of the line
x.data = y  # noqa: TN506                   as other linters have it
# tenure: ignore[TN506]                     alone on a line: for the next line of code
"""

import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tenure.diagnostic import Diagnostic, Edit, Label, Span

__all__ = ["Suppression", "may_suppress", "suppressions", "unsuppressed", "unused"]

_COMMENT = re.compile(
    r"#\s*(?:tenure:\s*ignore(?:\[(?P<own>[^\]]*)\])?(?![\w\[])|noqa(?::\s*(?P<noqa>[A-Za-z]+[\w-]*(?:[\s,]+[A-Z]+[0-9]+)*))?)",
    re.IGNORECASE,
)
_OF_OURS = re.compile(rb"noqa:[^\n]*tn\d")


@dataclass(slots=True)
class Suppression:
    """One comment: its line, its names (None: all), its position, and the reports it has met."""

    line: int
    names: frozenset[str] | None
    span: Span
    own: bool
    used: set[str] = field(default_factory=set)

    def meets(self, found: Diagnostic) -> bool:
        """Whether this comment suppresses a report; it is then used."""
        span = found.primary.span
        if self.line not in (span.line, span.end_line) or found.code == "TN000":
            return False
        met = {found.code, found.rule} if self.names is None else {found.code, found.rule} & self.names
        self.used |= met
        return bool(met)


def may_suppress(data: bytes, *, reported: bool = True) -> bool:
    """Whether a file's bytes can hold such a comment: a cheap test that is never wrongly negative.

    Where nothing is reported, `noqa` without a code of Tenure's does not matter.
    """
    text = data.lower()
    if b"tenure:" in text:
        return True
    return b"noqa" in text and (reported or _OF_OURS.search(text) is not None)


def suppressions(path: str, text: str) -> list[Suppression]:
    """The comments of a file that suppress reports."""
    lines = text.split("\n")
    out = []
    for number, start, comment in _comments(text, lines):
        for match in _COMMENT.finditer(comment):
            own = match[0].lower().find("tenure") >= 0
            given = match["own"] if own else match["noqa"]
            names = None if given is None else frozenset(_name(name) for name in re.split(r"[\s,]+", given) if name)
            alone = not lines[number - 1][:start].strip()
            span = Span(path, number, start + match.start(), number, start + match.end())
            out.append(Suppression(_next_code(lines, number) if alone else number, names, span, own))
    return out


def unsuppressed(found: Iterable[Diagnostic], comments: list[Suppression]) -> list[Diagnostic]:
    """The reports that no comment suppresses."""
    out = []
    for one in found:
        met = [comment.meets(one) for comment in comments]  # all of them are used
        if not any(met):
            out.append(one)
    return out


def unused(comments: Iterable[Suppression], text: str, reported: Callable[[str], bool]) -> Iterator[Diagnostic]:
    """A report of each comment that suppresses nothing. `noqa` is reported only for codes of Tenure's.

    `reported` says of a name whether its reports are wanted at all: if not, nothing can be said of it.
    """
    lines = text.split("\n")
    for comment in comments:
        names = comment.names
        if names is None:
            left = [] if comment.used or not comment.own else ["everything"]
        else:
            ours = {name for name in names if comment.own or re.fullmatch(r"TN\d+", name)}
            left = sorted(name for name in ours - comment.used if reported(name))
        if left:
            what = "" if names is None else " " + ", ".join(f"`{name}`" for name in left)
            yield Diagnostic(
                "TN001",
                "unused-suppression",
                f"this comment suppresses no report{' of' + what if what else ''}",
                Label(comment.span),
                help="remove it",
                edits=_removal(comment, set(left), lines[comment.span.line - 1]),
            )


def _removal(comment: Suppression, left: set[str], line: str) -> tuple[Edit, ...]:
    """The edit that removes the unused part, with the blanks before it."""
    span = comment.span
    kept = sorted((comment.names or frozenset()) - left)
    if kept:
        text = f"# tenure: ignore[{', '.join(kept)}]" if comment.own else f"# noqa: {', '.join(kept)}"
        return (Edit(span, text),)
    start, rest = len(line[: span.column].rstrip()), line[span.end_column :].strip()
    if rest.startswith("#"):  # another comment follows
        return (Edit(Span(span.path, span.line, span.column, span.line, len(line) - len(rest)), ""),)
    return (Edit(Span(span.path, span.line, start, span.line, span.end_column), ""),)


def _comments(text: str, lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """Line, column and text of each comment that looks like a suppression; strings are distinguished by tokens."""
    if not any("#" in line and _COMMENT.search(line) for line in lines):
        return
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield (*token.start, token.string)
    except (tokenize.TokenError, SyntaxError):
        return  # the file does not parse, and that is reported


def _next_code(lines: list[str], number: int) -> int:
    for i in range(number, len(lines)):
        if lines[i].strip() and not lines[i].lstrip().startswith("#"):
            return i + 1
    return number


def _name(name: str) -> str:
    return name.upper() if re.fullmatch(r"[A-Za-z]+\d+", name) else name.lower().replace("_", "-")
