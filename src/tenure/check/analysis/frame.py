"""Frames: called functions that are executed within the body that calls them."""

import ast
from dataclasses import dataclass, field

from tenure.check.graph import Graph
from tenure.check.ops import Function
from tenure.check.program import Module
from tenure.check.values import Holder, Obj, Value, Write

__all__ = ["Frame"]


@dataclass(slots=True, eq=False)
class Frame:
    """A called function that is executed within the body that calls it.

    `call` is where the body under check calls it, in its own file, `at` where the last frame does; `temporaries` are
    the cells of parameters whose arguments nothing else holds; `by_name` are the objects of arguments that it wrote by
    `x += y`, `given` the arguments.
    """

    number: int
    function: Function
    module: Module
    parent: "Frame | None"
    call: ast.AST
    at: ast.AST
    graph: Graph = field(default_factory=Graph)
    repeating: bool = False
    stateful: bool = True
    by_name: dict[Obj, Write] = field(default_factory=dict)
    given: dict[str, tuple[Value, Holder | None]] = field(default_factory=dict)
    temporaries: set[Holder | None] = field(default_factory=set)

    @property
    def depth(self) -> int:
        """The number of calls between the body under check and this one."""
        return 1 if self.parent is None else self.parent.depth + 1

    @property
    def first(self) -> int:
        """The number from which registers and blocks are this frame's."""
        return self.number << 16
