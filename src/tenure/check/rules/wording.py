"""Wording of reports: the named code, the sites of its loan, write and read, and the fix."""

import ast
import os
from collections.abc import Iterable, Iterator

from tenure.check.analysis.findings import Conflict, Event
from tenure.check.facts import Facts
from tenure.check.rules.fixes import edits_of, help_of
from tenure.check.rules.rule import Rule
from tenure.diagnostic import Diagnostic, Label, Span

__all__ = ["of_conflicts", "of_events", "reports_of", "text_of"]

_LONGEST = 60

_STORED_AGAIN = (
    "one object is stored more than once, and is written in between",
    "stored here, without a copy",
    "stored here again",
)
"""The words for an object that a loop stores again, or that stands at two places."""


def text_of(facts: Facts, node: ast.AST | None, path: str = "") -> str:
    """The source of a node in one line; long ones are cut."""
    source = facts.source_of(path)
    if node is None or source is None or not hasattr(node, "lineno"):
        return ""
    line = " ".join(source.segment(node).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def of_conflicts(facts: Facts, rule: Rule, message: str, *, lent: str, used: str) -> Iterator[Diagnostic]:
    """The reports of a rule's conflicts; {name} in its words is the reference, {source} its object."""
    for conflict in facts.conflicts(rule.name):
        name, source = _named(facts, conflict)
        words = _STORED_AGAIN if conflict.how == "again" else (message, lent, used)
        said = (part.format(name=name, source=f"`{source}`") for part in words)
        yield _of_conflict(facts, conflict, rule, *said)


def of_events(facts: Facts, rule: Rule, message: str, words: tuple[str, ...]) -> Iterator[Diagnostic]:
    """The reports of a rule's events: `words` label each of its sites, the primary one first."""
    return reports_of(facts, rule, facts.events(rule.name), message, words)


def reports_of(
    facts: Facts, rule: Rule, events: Iterable[Event], message: str, words: tuple[str, ...]
) -> Iterator[Diagnostic]:
    """The reports of events."""
    for event in events:
        said = tuple(word.format(text=event.text) for word in words)
        yield _of_event(facts, event, rule, message.format(text=event.text), said)


def _named(facts: Facts, conflict: Conflict) -> tuple[str, str]:
    """The reference and its object, as text: (`k`, `a[0]`)."""
    loan = conflict.loan
    lent = text_of(facts, loan.of or loan.node, loan.path)
    name = loan.name.partition("·")[0]  # variables of comprehensions are numbered
    return f"`{name}`" if name else "the container" if loan.relation == "captured" else "an earlier value", lent


def _of_conflict(facts: Facts, conflict: Conflict, rule: Rule, message: str, lent: str, used: str) -> Diagnostic:
    """The report of a conflict: written here, lent there, used later."""
    loan, write = conflict.loan, conflict.write
    labels = [Label(_span(facts, loan.node, loan.path), lent)]
    through = " → ".join(write.via)
    inner_source = None if write.inner is None else facts.source_of(write.inner[0])
    if write.inner is None or inner_source is None:
        primary = Label(facts.source.span(write.node), "written here")
    elif write.inner[0] == facts.source.path:
        primary = Label(facts.source.span(write.inner[1]), f"written here, through {through}")
        labels.append(Label(facts.source.span(write.node), "by this call"))
    else:
        place = f"{os.path.basename(write.inner[0])}:{getattr(write.inner[1], 'lineno', 0)}"
        primary = Label(facts.source.span(write.node), f"written here, through {through} (`{write.text}`, {place})")
        labels.append(Label(inner_source.span(write.inner[1]), "written there"))
    if conflict.read is not loan.node:
        labels.append(Label(facts.source.span(conflict.read), used))
    return Diagnostic(
        rule.code, rule.name, message, primary, tuple(labels), help=help_of(conflict, rule),
        edits=edits_of(facts, conflict), certain=conflict.certain,
        tier="default" if conflict.certain else "strict",
    )  # fmt: skip


def _span(facts: Facts, node: ast.AST, path: str) -> Span:
    source = facts.source_of(path) or facts.source
    return source.span(node)


def _of_event(facts: Facts, event: Event, rule: Rule, message: str, words: tuple[str, ...]) -> Diagnostic:
    spans = [facts.source.span(node) for node in event.nodes]
    texts = [*words, *[""] * len(spans)]
    labels = tuple(Label(span, text) for span, text in zip(spans[1:], texts[1:], strict=False))
    return Diagnostic(
        rule.code, rule.name, message, Label(spans[0], texts[0]), labels, help=rule.help,
        certain=event.certain and event.tier != "strict", tier=event.tier if event.certain else "strict",
    )  # fmt: skip
