"""The operations that programs are lowered to, and the graph of blocks that holds them.

Every expression's value goes to a numbered register; variables have names and are read and bound by `Load` and
`Bind`. Each operation keeps the syntax node it comes from, for positions, and the conditions it stands under.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tenure.check.scope import bound_names, declared_names, parameters
from tenure.check.uses import Uses

__all__ = [
    "Assume",
    "Await",
    "Bind",
    "Block",
    "Build",
    "Call",
    "Capture",
    "Class",
    "Const",
    "Def",
    "DelAttr",
    "DelItem",
    "Enter",
    "Exit",
    "Function",
    "GetAttr",
    "GetItem",
    "Graph",
    "Iter",
    "Load",
    "Merge",
    "Next",
    "Op",
    "Operate",
    "Read",
    "Return",
    "SetAttr",
    "SetItem",
    "Step",
    "Unbind",
    "Unpack",
    "Yield",
]

Condition = tuple[ast.expr, bool]
"""A test, and how it came out."""


@dataclass(frozen=True, slots=True)
class Step:
    """One component of an index: `kind` is "value", "slice", "all" (`:` and `...`) or "new" (`None`).

    A part is a register, or None where a slice leaves it out.
    """

    kind: str
    parts: tuple[int | None, ...] = ()


@dataclass(slots=True, eq=False)
class Op:
    """One operation."""

    node: ast.AST
    conditions: tuple[Condition, ...] = field(default=(), init=False)

    def registers(self) -> Iterator[int]:
        """The registers that the operation reads or gives."""
        for name in type(self).__slots__:
            yield from _registers(getattr(self, name))


def _registers(part: object) -> Iterator[int]:
    if isinstance(part, tuple):
        for one in part:
            yield from _registers(one)
    elif isinstance(part, Step):
        yield from _registers(part.parts)
    elif isinstance(part, int) and not isinstance(part, bool):
        yield part


@dataclass(slots=True, eq=False)
class Load(Op):
    """Read a variable."""

    dst: int
    name: str


@dataclass(slots=True, eq=False)
class Bind(Op):
    """Bind a variable. `chained` names the first target of `a = b = value`."""

    name: str
    src: int
    chained: str | None = None


@dataclass(slots=True, eq=False)
class Unbind(Op):
    """`del name`."""

    name: str


@dataclass(slots=True, eq=False)
class Const(Op):
    """A literal."""

    dst: int
    value: object


@dataclass(slots=True, eq=False)
class GetAttr(Op):
    dst: int
    obj: int
    name: str


@dataclass(slots=True, eq=False)
class SetAttr(Op):
    obj: int
    name: str
    src: int
    augmented: bool = False


@dataclass(slots=True, eq=False)
class DelAttr(Op):
    obj: int
    name: str


@dataclass(slots=True, eq=False)
class GetItem(Op):
    dst: int
    obj: int
    index: tuple[Step, ...]


@dataclass(slots=True, eq=False)
class SetItem(Op):
    obj: int
    index: tuple[Step, ...]
    src: int
    augmented: bool = False


@dataclass(slots=True, eq=False)
class DelItem(Op):
    obj: int
    index: tuple[Step, ...]


@dataclass(slots=True, eq=False)
class Call(Op):
    """A call; `receiver` and `method` are set where the function is an attribute, else `func`."""

    dst: int
    func: int | None
    receiver: int | None
    method: str
    args: tuple[tuple[int, bool], ...]
    keywords: tuple[tuple[str | None, int], ...]


@dataclass(slots=True, eq=False)
class Operate(Op):
    """An operator by its special name, such as "__add__"; `augmented` says in which form: "", "name", "place"."""

    dst: int
    name: str
    operands: tuple[int, ...]
    augmented: str = ""


@dataclass(slots=True, eq=False)
class Build(Op):
    """A display: list, tuple, set or dict, with (key, value, starred) entries."""

    dst: int
    kind: str
    entries: tuple[tuple[int | None, int, bool], ...]


@dataclass(slots=True, eq=False)
class Capture(Op):
    """A comprehension adds a value (and, in a dict, its key) to what it builds."""

    container: int
    key: int | None
    src: int


@dataclass(slots=True, eq=False)
class Merge(Op):
    """One of several ways to a value: `a if c else b`, `a or b`."""

    dst: int
    src: int


@dataclass(slots=True, eq=False)
class Iter(Op):
    dst: int
    src: int


@dataclass(slots=True, eq=False)
class Next(Op):
    """The head of a loop: take the next item, or leave. `in_comprehension` ends the iteration where it stands."""

    dst: int
    iterator: int
    in_comprehension: bool = False


@dataclass(slots=True, eq=False)
class Unpack(Op):
    dsts: tuple[int, ...]
    src: int
    star: int | None = None


@dataclass(slots=True, eq=False)
class Def(Op):
    """A function or lambda comes into being, with its default values by parameter and its decorators."""

    dst: int
    function: "Function"
    defaults: tuple[tuple[str, int], ...]
    decorators: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class Class(Op):
    dst: int
    bases: tuple[int, ...]
    decorators: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class Read(Op):
    """A value is looked at: tested, formatted, raised, compared by a pattern."""

    src: int
    how: str = ""


@dataclass(slots=True, eq=False)
class Assume(Op):
    """What a test has shown of a variable: (class expression's register) or None-ness."""

    name: str
    cls: int | None
    is_none: bool = False


@dataclass(slots=True, eq=False)
class Enter(Op):
    dst: int
    src: int


@dataclass(slots=True, eq=False)
class Exit(Op):
    src: int


@dataclass(slots=True, eq=False)
class Return(Op):
    src: int


@dataclass(slots=True, eq=False)
class Yield(Op):
    dst: int
    src: int


@dataclass(slots=True, eq=False)
class Await(Op):
    dst: int
    src: int


@dataclass(slots=True, eq=False)
class Block:
    """Operations in a row, and the blocks that may follow."""

    ops: list[Op] = field(default_factory=list)
    succs: list[int] = field(default_factory=list)
    loop_head: bool = False


@dataclass(slots=True, eq=False)
class Graph:
    """A body as blocks; 0 is the entry, 1 the exit. `discarded`: expressions whose value nobody takes.

    `crossing`: registers used in more than one block; `loops`: the blocks of each loop, by the one that a round
    starts at; `repeated`: those of all.
    """

    blocks: list[Block] = field(default_factory=list)
    discarded: set[ast.AST] = field(default_factory=set)
    crossing: frozenset[int] = frozenset()
    repeated: frozenset[int] = frozenset()
    loops: dict[int, frozenset[int]] = field(default_factory=dict)

    def finish(self) -> None:
        """Find out which registers cross blocks, and which blocks lie in loops."""
        where: dict[int, int] = {}
        crossing = set()
        for at, block in enumerate(self.blocks):
            for op in block.ops:
                for register in op.registers():
                    if where.setdefault(register, at) != at:
                        crossing.add(register)
        self.crossing = frozenset(crossing)
        order = self.order()
        rank = {block: at for at, block in enumerate(order)}
        for source in order:
            for target in self.blocks[source].succs:
                if rank[target] <= rank[source]:
                    body = order[rank[target] : rank[source] + 1]
                    self.loops[target] = self.loops.get(target, frozenset()).union(body)
        self.repeated = frozenset().union(*self.loops.values())

    def order(self) -> list[int]:
        """The blocks that can be reached, each before its successors, and loops before what follows them."""
        seen, out, stack = {0}, [], [(0, reversed(self.blocks[0].succs))]
        while stack:
            at, rest = stack[-1]
            for following in rest:
                if following not in seen:
                    seen.add(following)
                    stack.append((following, reversed(self.blocks[following].succs)))
                    break
            else:
                out.append(at)
                stack.pop()
        return out[::-1]


@dataclass(slots=True, eq=False)
class Function:
    """A function, lambda, class body or module body: its syntax, names and (once lowered) its graph."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.Module
    name: str
    parent: "Function | None" = None
    in_class: ast.ClassDef | None = None
    graph: Graph | None = None
    home: object = None
    writes: bool | None = None
    _bound: frozenset[str] | None = None
    _uses: Uses | None = None

    @property
    def locals(self) -> frozenset[str]:
        """The names that the body binds as its own."""
        if self._bound is None:
            body = self.node.body
            parts: list[ast.AST] = list(body) if isinstance(body, list) else [body]
            own = bound_names(parts) | {given.arg for given in parameters(self.node)}
            self._bound = frozenset(own - declared_names(parts))
        return self._bound

    @property
    def uses(self) -> Uses:
        """How the body uses its variables."""
        if self._uses is None:
            self._uses = Uses.of(self.node)
        return self._uses
