"""Findings of the analysis: conflicts between a loan, a write and a read, and other events that rules phrase."""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from tenure.check.values import Loan, Obj, Write

__all__ = ["Conflict", "Event", "Findings"]


@dataclass(frozen=True, slots=True, eq=False)
class Conflict:
    """A read at `read` of a reference by `loan`, whose object `write` had changed.

    `certain`: it happens on some way through the code as written (no aliasing was guessed, no kind, no read).
    """

    path: str
    loan: Loan
    write: Write
    read: ast.AST
    how: str
    obj: Obj
    certain: bool


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """A finding that one rule reports by itself: `rule` names it, `nodes` are its sites, the primary one first."""

    path: str
    rule: str
    nodes: tuple[ast.AST, ...]
    text: str = ""
    detail: str = ""
    certain: bool = True
    tier: str = "default"


@dataclass(slots=True)
class Findings:
    """All findings of one body, or of one module."""

    conflicts: dict[tuple[object, ...], Conflict] = field(default_factory=dict)
    events: dict[tuple[object, ...], Event] = field(default_factory=dict)

    def conflict(self, found: Conflict) -> None:
        key = (found.path, found.loan.node, found.write.node, found.write.inner, found.read)
        old = self.conflicts.get(key)
        if old is None or (found.certain and not old.certain):
            self.conflicts[key] = found

    def drop(self, unwanted: Callable[[Conflict], bool]) -> None:
        """Remove conflicts that prove to be intended."""
        for key in [key for key, found in self.conflicts.items() if unwanted(found)]:
            del self.conflicts[key]

    def drop_events(self, unwanted: Callable[[Event], bool]) -> None:
        """Remove events that say nothing."""
        for key in [key for key, found in self.events.items() if unwanted(found)]:
            del self.events[key]

    def event(self, found: Event) -> None:
        self.events.setdefault((found.rule, found.path, *found.nodes, found.detail), found)

    def add(self, others: "Findings") -> None:
        """Include the findings of another body."""
        for conflict in others.conflicts.values():
            self.conflict(conflict)
        for event in others.events.values():
            self.event(event)
