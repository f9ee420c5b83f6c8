"""What the analysis finds: conflicts between a loan, a write and a read, and other events that rules phrase."""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from tenure.check.values import Loan, Obj, Write

__all__ = ["Conflict", "Event", "Findings"]


@dataclass(frozen=True, slots=True, eq=False)
class Conflict:
    """A reference obtained by `loan` was read at `read` although `write` had changed what it refers to.

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
    """Something a rule reports by itself: `rule` names it, `nodes` are the places of the story, the first primary."""

    path: str
    rule: str
    nodes: tuple[ast.AST, ...]
    text: str = ""
    detail: str = ""
    certain: bool = True
    tier: str = "default"


@dataclass(slots=True)
class Findings:
    """All of one body, or of one module."""

    conflicts: dict[tuple[object, ...], Conflict] = field(default_factory=dict)
    events: dict[tuple[object, ...], Event] = field(default_factory=dict)

    def conflict(self, found: Conflict) -> None:
        key = (found.path, found.loan.node, found.write.node, found.write.inner, found.read)
        old = self.conflicts.get(key)
        if old is None or (found.certain and not old.certain):
            self.conflicts[key] = found

    def drop(self, unwanted: Callable[[Conflict], bool]) -> None:
        """Forget conflicts that prove to be meant."""
        for key in [key for key, found in self.conflicts.items() if unwanted(found)]:
            del self.conflicts[key]

    def event(self, found: Event) -> None:
        self.events.setdefault((found.rule, found.path, *found.nodes, found.detail), found)

    def add(self, others: "Findings") -> None:
        """Take over what was found elsewhere."""
        for conflict in others.conflicts.values():
            self.conflict(conflict)
        for event in others.events.values():
            self.event(event)
