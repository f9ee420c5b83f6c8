"""What the analysis knows of one module, as the rules read it."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tenure.check.analysis.findings import Conflict, Event
from tenure.check.program import Module, Program
from tenure.check.scope import children, statements, walk
from tenure.check.source import Source

__all__ = ["Facts", "own_nodes", "rule_of"]

_Node = TypeVar("_Node", bound=ast.AST)

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


def _place(conflict: Conflict) -> tuple[bool, int, int]:
    node = conflict.read
    line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
    written = getattr(conflict.write.node, "lineno", 0)
    return line < written, line, column


@dataclass(slots=True)
class Facts:
    """One module: its source, and what was found in it."""

    source: Source
    program: Program
    module: Module
    strict: bool = False
    found: list[Conflict] = field(default_factory=list)
    noted: list[Event] = field(default_factory=list)
    _by_type: dict[type[ast.AST], list[ast.AST]] = field(default_factory=dict)
    _statements: list[ast.AST] = field(default_factory=list)

    def conflicts(self, rule: str) -> Iterator[Conflict]:
        """The conflicts that a rule reports: those that are certain, and in strict mode the others.

        Of several reads after one write that by reading order is the first, and a certain one before others.
        """
        first: dict[tuple[ast.AST, str], Conflict] = {}
        for conflict in self.found:
            if not (conflict.certain or self.strict) or rule_of(conflict) != rule:
                continue
            key = conflict.write.node, "" if conflict.certain else conflict.loan.text
            old = first.get(key)
            if old is None or _place(conflict) < _place(old):
                first[key] = conflict
        yield from first.values()

    def events(self, rule: str) -> Iterator[Event]:
        """What was noted for a rule."""
        for event in self.noted:
            if event.rule == rule and (event.certain or self.strict):
                yield event

    def nodes(self, kind: type[_Node]) -> Sequence[_Node]:
        """Every node of a type in the module."""
        if not self._by_type:
            for node in walk(self.source.tree):
                self._by_type.setdefault(type(node), []).append(node)
        return self._by_type.get(kind, [])  # type: ignore[return-value]

    def statements(self, kind: type[_Node]) -> Iterator[_Node]:
        """Every statement of a type in the module."""
        if not self._statements:
            self._statements = statements(self.source.tree.body)
        return (node for node in self._statements if isinstance(node, kind))

    def scopes(self, word: str) -> Iterator[Sequence[ast.stmt]]:
        """The bodies of the module and of functions, of those only that have a word in their text."""
        if word not in self.source.text:
            return
        yield self.source.tree.body
        yield from (node.body for node in self.statements(ast.FunctionDef) if self.mentions(node, word))
        yield from (node.body for node in self.statements(ast.AsyncFunctionDef) if self.mentions(node, word))

    def mentions(self, node: ast.stmt, *words: str) -> bool:
        """Whether the lines of a statement have one of some words: most bodies lack what a rule is about."""
        lines = self.source.lines[node.lineno - 1 : node.end_lineno]
        return any(word in line for line in lines for word in words)

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
    if conflict.how == "again":
        return "snapshot-not-copied"
    if conflict.obj.kind == "jax" and loan.relation == "view":
        return "pending-operand-overwritten"
    if loan.relation in _BY_RELATION:
        return _BY_RELATION[loan.relation]
    if loan.text in _SNAPSHOTS:
        return "snapshot-not-copied"
    return "view-read-after-write" if loan.relation == "view" else "alias-read-after-write"


def own_nodes(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Every node of a body that is run with it: nested functions appear, what they hold does not."""
    stack = list(body)[::-1]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack += children(node)[::-1]
