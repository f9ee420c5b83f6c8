"""The graph under construction: blocks, registers, and the state at the present point."""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from tenure.check.graph import Block, Graph
from tenure.check.ops import Condition, Op

__all__ = ["Builder", "Loop"]


@dataclass(slots=True)
class Loop:
    """The targets of `continue` and `break`, and the number of cleanups that were open when the loop began."""

    head: int
    after: int
    cleanups: int


@dataclass(slots=True)
class Builder:
    """Blocks of one body. `here` is the block that operations go to; None-like code after a jump has its own.

    `rename` gives the variables of a body that is executed within another one names of their own.
    """

    graph: Graph = field(default_factory=Graph)
    here: int = 0
    registers: int = 0
    conditions: tuple[Condition, ...] = ()
    loops: list[Loop] = field(default_factory=list)
    cleanups: list[Callable[[], None]] = field(default_factory=list)
    handlers: list[int] = field(default_factory=list)
    renamed: list[dict[str, str]] = field(default_factory=list)
    comprehensions: int = 0
    drained: set[ast.AST] = field(default_factory=set)
    rename: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        self.graph.blocks = [Block(), Block()]

    def register(self) -> int:
        at = self.registers = self.registers + 1
        return at

    def emit(self, op: Op) -> None:
        op.conditions, op.last = self.conditions, ()
        self.graph.blocks[self.here].ops.append(op)

    def block(self) -> int:
        """A new block, with an edge to the handlers that would catch its exceptions."""
        self.graph.blocks.append(Block())
        return len(self.graph.blocks) - 1

    def edge(self, source: int, target: int) -> None:
        succs = self.graph.blocks[source].succs
        if target not in succs:
            succs.append(target)

    def go(self, target: int) -> None:
        """Jump; the text behind it is unreachable without another jump."""
        self.edge(self.here, target)
        self.here = self.block()

    def start(self, target: int, *, falls: bool = True) -> None:
        """Continue at `target`, into which the present block falls."""
        if falls:
            self.edge(self.here, target)
        self.here = target
        self.may_raise()

    def may_raise(self) -> None:
        """Within `try`, the code behind this point may end in a handler, in the present state."""
        if self.handlers:
            after = self.block()
            self.edge(self.here, after)
            self.edge(self.here, self.handlers[-1])
            self.here = after

    def unwind(self, down_to: int) -> None:
        """Run the cleanups (`finally`, the ends of `with`) that a jump leaves behind, innermost first."""
        kept = self.cleanups[:]
        for at in range(len(kept) - 1, down_to - 1, -1):
            self.cleanups = kept[:at]
            kept[at]()
        self.cleanups = kept

    def local(self, name: str) -> str:
        """The internal name of a variable: a comprehension's own variables have names of their own."""
        for scope in reversed(self.renamed):
            if name in scope:
                return scope[name]
        return name if self.rename is None else self.rename(name)

    def under(self, test: ast.expr, holds: bool) -> tuple[Condition, ...]:
        """The conditions in force where `test` came out as `holds`."""
        while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, holds = test.operand, not holds
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) is holds:
            # All parts of a conjunction that holds hold, and none of a disjunction that does not.
            found = self.conditions
            for part in test.values:
                found += self.under(part, holds)[len(self.conditions) :]
            return found
        if not isinstance(test, ast.Name | ast.Attribute | ast.Compare | ast.Call):
            return self.conditions
        return (*self.conditions, (test, holds))
