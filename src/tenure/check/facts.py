"""Facts of the analysis about one module, as the rules read them."""

import ast
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from tenure.check.analysis.findings import Conflict, Event
from tenure.check.program import ClassInfo, Module, Program
from tenure.check.scope import Scope, children
from tenure.check.source import Source

__all__ = ["Facts", "own_nodes", "rule_of"]

_Node = TypeVar("_Node", bound=ast.AST)
_T = TypeVar("_T")

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
    """One module: its source, and the findings in it; `whole`: its syntax is looked at, too."""

    source: Source
    program: Program
    module: Module
    strict: bool = False
    whole: bool = True
    found: list[Conflict] = field(default_factory=list)
    noted: list[Event] = field(default_factory=list)
    _scopes: list[Scope] = field(default_factory=list)
    _lines: dict[str, list[int]] = field(default_factory=dict)
    _notes: dict[object, Any] = field(default_factory=dict)

    def conflicts(self, rule: str) -> Iterator[Conflict]:
        """The conflicts that a rule reports: the certain ones, and in strict mode the others.

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
        """The events of a rule."""
        for event in self.noted:
            if event.rule == rule and (event.certain or self.strict):
                yield event

    @property
    def scopes(self) -> list[Scope]:
        """The scopes of the module, and of all functions and classes in it."""
        if not self._scopes and self.whole:
            self._scopes = [self.module.body.scope]
            for scope in self._scopes:
                self._scopes += scope.inner
        return self._scopes

    def nodes(self, kind: type[_Node]) -> list[_Node]:
        """Every node of a type in the module."""
        heads = [node for scope in self.scopes for node in scope.head() if isinstance(node, kind)]
        return [*(node for scope in self.scopes for node in scope.of(kind)), *heads]

    def owner_of(self, method: ast.AST) -> ClassInfo | None:
        """The class of the module that a function is a method of."""
        return next((info for info in self.module.classes.values() if method in info.node.body), None)

    def looping(self, word: str) -> Iterator[Scope]:
        """The bodies, of the module and of functions, that have loops, and a word in their text."""
        for scope in self.mentioning(word):
            if not isinstance(scope.node, ast.ClassDef) and scope.of(ast.For, ast.While):
                yield scope

    def mentioning(self, word: str) -> Iterator[Scope]:
        """The bodies that have a word in their text."""
        for scope in self.scopes if word in self.source.text else ():
            if isinstance(scope.node, ast.Module) or self.mentions(scope.node, word):  # type: ignore[arg-type]
                yield scope

    def mentions(self, node: ast.stmt, word: str) -> bool:
        """Whether the lines of a statement have a word: most bodies lack the subject of a rule."""
        if word not in self._lines:
            self._lines[word] = [at for at, line in enumerate(self.source.lines, 1) if word in line]
        lines = self._lines[word]
        at = bisect_left(lines, node.lineno)
        return at < len(lines) and lines[at] <= (node.end_lineno or node.lineno)

    def noted_of(self, part: object, find: Callable[[], _T]) -> _T:
        """A finding of a rule about a part of the syntax, made once for all its reports."""
        if part not in self._notes:
            self._notes[part] = find()
        return cast(_T, self._notes[part])

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
    """Every node of a body that is run with it: nested functions appear, their bodies do not."""
    stack = list(body)[::-1]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack += children(node)[::-1]
