"""A diagnostic in rustc's form:

error[TN506]: `a[0]` is written while `k` still refers to it
  --> train.py:21:5
   |
20 |     k = a[0]
   |         ---- `k` refers to `a[0]` from here
21 |     g(a[0])
   |     ^^^^^^^ written here
   = help: keep the value: `k = a[0].clone()`
"""

from collections.abc import Callable, Iterator, Sequence

from tenure.diagnostic import Diagnostic, Label
from tenure.report.line import Mark, draw
from tenure.report.style import Painter, html, plain

__all__ = ["Lines", "as_html", "head_of", "location", "render"]

Lines = Callable[[str, int], str | None]
"""The text of a line of a file, without its end; None where the source cannot be read."""


def render(diagnostic: Diagnostic, lines: Lines, paint: Painter = plain, *, head: str | None = None) -> str:
    """The whole report of one diagnostic, after `head` (None: `error[CODE]`) and the message."""
    labels = [label for label in (diagnostic.primary, *diagnostic.labels) if label.span.path]
    width = max((len(str(label.span.line)) for label in labels), default=1)
    out = [_headline(diagnostic, paint, head)]
    by_file: dict[str, list[Label]] = {}
    for label in labels:
        by_file.setdefault(label.span.path, []).append(label)
    for i, found in enumerate(by_file.values()):
        out += _file(found, diagnostic.primary, lines, paint, width, "-->" if i == 0 else ":::")
    ends = [("note", note) for note in diagnostic.notes]
    ends += [("help", diagnostic.help)] if diagnostic.help is not None else []
    for word, text in ends:
        first, *rest = text.split("\n")
        out.append(f"{paint('gutter', ' ' * width + ' =')} {paint('help', word)}{paint('text', f': {first}')}")
        out += [paint("text", " " * (width + len(word) + 5) + line) for line in rest]
    return "\n".join(out)


def as_html(diagnostic: Diagnostic, lines: Lines, *, head: str | None = None) -> str:
    """The report as a <pre> of its own, for notebooks."""
    return f'<pre class="tenure-report">{render(diagnostic, lines, html, head=head)}</pre>'


def head_of(diagnostic: Diagnostic) -> str:
    """The first word of a report: "warning" for a possible error, "error" for a certain one."""
    return "warning" if diagnostic.tier == "strict" else "error"


def location(label: Label) -> str:
    """`path:line:column`, columns counted from 1; shorter where column or line is unknown."""
    span = label.span
    if span.line < 1:
        return span.path
    return f"{span.path}:{span.line}:{span.column + 1}" if span.end_column else f"{span.path}:{span.line}"


def _headline(diagnostic: Diagnostic, paint: Painter, head: str | None) -> str:
    if head is None:
        word = head_of(diagnostic)
        part = paint("warning" if word == "warning" else "error", f"{word}[{diagnostic.code}]")
        return part + paint("title", f": {diagnostic.message}")
    if head:
        return paint("error", head) + paint("title", f": {diagnostic.message}")
    return paint("title", diagnostic.message)


def _file(
    labels: Sequence[Label], primary: Label, lines: Lines, paint: Painter, width: int, arrow: str
) -> Iterator[str]:
    """The lines of one file: its location, and the marked lines, those between left out."""
    text = {label.span.line: lines(label.span.path, label.span.line) for label in labels}
    seen = [label for label in labels if text[label.span.line] is not None]
    unseen = [label for label in labels if text[label.span.line] is None and label is not primary]
    first = labels[0]
    if first is primary or seen:
        start = first if first is primary else seen[0]
        said = f": {start.text}" if start not in seen and start.text else ""
        yield paint("gutter", " " * width + arrow) + paint("text", f" {location(start)}{said}")
    if seen:
        yield paint("gutter", " " * width + " |")
        yield from _excerpt(seen, primary, lines, paint, width)
    for label in unseen:
        said = f": {label.text}" if label.text else ""
        yield paint("gutter", " " * width + ":::") + paint("text", f" {location(label)}{said}")


def _excerpt(labels: Sequence[Label], primary: Label, lines: Lines, paint: Painter, width: int) -> Iterator[str]:
    path, last = labels[0].span.path, 0
    for line in sorted({label.span.line for label in labels}):
        if last and line == last + 2 and (between := lines(path, last + 1)) is not None:
            yield from _numbered(last + 1, draw(between, (), paint), paint, width)
        elif last and line > last + 1:
            yield paint("gutter", "...")
        text = lines(path, line) or ""
        marks = [_mark(label, text, label is primary) for label in labels if label.span.line == line]
        yield from _numbered(line, draw(text, marks, paint), paint, width)
        last = line


def _numbered(line: int, rows: Iterator[str], paint: Painter, width: int) -> Iterator[str]:
    """The rows of one line behind the gutter: its number at the first."""
    number = f"{line:>{width}}"
    for row in rows:
        yield f"{paint('gutter', f'{number} |')} {row}".rstrip()
        number = " " * width


def _mark(label: Label, text: str, is_primary: bool) -> Mark:
    span = label.span
    return Mark(span.column, len(text) if span.end_line > span.line else span.end_column, label.text, is_primary)
