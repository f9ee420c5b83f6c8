"""What the analysis knows of one module, as the rules read it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tenure.check.analysis.findings import Conflict, Event
from tenure.check.program import Module, Program
from tenure.check.source import Source

__all__ = ["Facts"]

_SNAPSHOTS = frozenset(("state_dict", "captured", "shallow"))
_BY_RELATION = {
    "iteration": "modified-while-iterated",
    "later": "pending-operand-overwritten",
    "traced": "traced-value-changed",
    "queued": "sent-value-overwritten",
    "subset": "shared-dataset-changed",
    "captured": "snapshot-not-copied",
    "shallow": "snapshot-not-copied",
}


@dataclass(slots=True)
class Facts:
    """One module: its source, and what was found in it."""

    source: Source
    program: Program
    module: Module
    strict: bool = False
    found: list[Conflict] = field(default_factory=list)
    noted: list[Event] = field(default_factory=list)
    others: dict[str, Source] = field(default_factory=dict)

    def conflicts(self, rule: str) -> Iterator[Conflict]:
        """The conflicts that a rule reports: those that are certain, and in strict mode the others."""
        for conflict in self.found:
            if (conflict.certain or self.strict) and rule_of(conflict) == rule:
                yield conflict

    def events(self, rule: str) -> Iterator[Event]:
        """What was noted for a rule."""
        for event in self.noted:
            if event.rule == rule and (event.certain or self.strict):
                yield event

    def source_of(self, path: str) -> Source | None:
        """The source of another file of the tree that a finding leads to."""
        if path in ("", self.source.path):
            return self.source
        module = self.program.open(path)
        return module.source if module is not None else None


def rule_of(conflict: Conflict) -> str:
    """The name of the rule that a conflict breaks."""
    loan, write = conflict.loan, conflict.write
    if loan.relation == "saved":
        return "write-hidden-from-autograd" if write.hidden else "saved-for-backward-overwritten"
    if isinstance(conflict.read, ast.Tuple) and write.node in conflict.read.elts:
        return "swap-through-views"
    if loan.relation in _BY_RELATION:
        return _BY_RELATION[loan.relation]
    if loan.text in _SNAPSHOTS:
        return "snapshot-not-copied"
    return "view-read-after-write" if loan.relation == "view" else "alias-read-after-write"
