"""The operations that programs are lowered to.

Every expression's value goes to a numbered register; variables have names and are read and bound by `Load` and
`Bind`. Each operation keeps the syntax node it comes from, for positions, and the conditions it stands under.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenure.check.scope import Scope, Scopes

if TYPE_CHECKING:
    from tenure.check.graph import Graph

__all__ = [
    "Assume",
    "Await",
    "Bind",
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
    "contradictory",
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


@dataclass(slots=True, eq=False, repr=False)
class Op:
    """One operation. `last`: the registers of its block that no later operation uses."""

    node: ast.AST
    conditions: tuple[Condition, ...] = field(init=False)
    last: tuple[int, ...] = field(init=False)

    def registers(self) -> Iterable[int | None]:
        """The registers that the operation reads or writes; None where one is left out."""
        return ()


def contradictory(*chains: tuple[Condition, ...]) -> bool:
    """Whether the conditions of several sites exclude each other, their tests being unchanged in between."""
    known: dict[str, bool] = {}
    return any(known.setdefault(ast.unparse(test), holds) is not holds for chain in chains for test, holds in chain)


def _of_index(index: tuple[Step, ...]) -> Iterator[int | None]:
    return (part for step in index for part in step.parts)


@dataclass(slots=True, eq=False, repr=False)
class Load(Op):
    """Read a variable."""

    dst: int
    name: str

    def registers(self) -> Iterable[int | None]:
        return (self.dst,)


@dataclass(slots=True, eq=False, repr=False)
class Bind(Op):
    """Bind a variable. `chained` names the first target of `a = b = value`; an attribute by its object's register."""

    name: str
    src: int
    chained: "str | tuple[int, str] | None" = None

    def registers(self) -> Iterable[int | None]:
        return self.src, self.chained[0] if isinstance(self.chained, tuple) else None


@dataclass(slots=True, eq=False, repr=False)
class Unbind(Op):
    """`del name`."""

    name: str


@dataclass(slots=True, eq=False, repr=False)
class Const(Op):
    """A literal."""

    dst: int
    value: object

    def registers(self) -> Iterable[int | None]:
        return (self.dst,)


@dataclass(slots=True, eq=False, repr=False)
class GetAttr(Op):
    dst: int
    obj: int
    name: str

    def registers(self) -> Iterable[int | None]:
        return self.dst, self.obj


@dataclass(slots=True, eq=False, repr=False)
class SetAttr(Op):
    obj: int
    name: str
    src: int
    augmented: bool = False
    chained: "str | tuple[int, str] | None" = None

    def registers(self) -> Iterable[int | None]:
        return self.obj, self.src, self.chained[0] if isinstance(self.chained, tuple) else None


@dataclass(slots=True, eq=False, repr=False)
class DelAttr(Op):
    obj: int
    name: str

    def registers(self) -> Iterable[int | None]:
        return (self.obj,)


@dataclass(slots=True, eq=False, repr=False)
class GetItem(Op):
    dst: int
    obj: int
    index: tuple[Step, ...]

    def registers(self) -> Iterable[int | None]:
        return self.dst, self.obj, *_of_index(self.index)


@dataclass(slots=True, eq=False, repr=False)
class SetItem(Op):
    obj: int
    index: tuple[Step, ...]
    src: int
    augmented: bool = False

    def registers(self) -> Iterable[int | None]:
        return self.obj, self.src, *_of_index(self.index)


@dataclass(slots=True, eq=False, repr=False)
class DelItem(Op):
    obj: int
    index: tuple[Step, ...]

    def registers(self) -> Iterable[int | None]:
        return self.obj, *_of_index(self.index)


@dataclass(slots=True, eq=False, repr=False)
class Call(Op):
    """A call; `receiver` and `method` are set where the function is an attribute, else `func`."""

    dst: int
    func: int | None
    receiver: int | None
    method: str
    args: tuple[tuple[int, bool], ...]
    keywords: tuple[tuple[str | None, int], ...]

    def registers(self) -> Iterable[int | None]:
        return self.dst, self.func, self.receiver, *[one for one, _ in self.args], *[one for _, one in self.keywords]


@dataclass(slots=True, eq=False, repr=False)
class Operate(Op):
    """An operator by its special name, such as "__add__"; `augmented` is its form: "", "name", "place"."""

    dst: int
    name: str
    operands: tuple[int, ...]
    augmented: str = ""

    def registers(self) -> Iterable[int | None]:
        return self.dst, *self.operands


@dataclass(slots=True, eq=False, repr=False)
class Build(Op):
    """A display: list, tuple, set or dict, with (key, value, starred) entries."""

    dst: int
    kind: str
    entries: tuple[tuple[int | None, int, bool], ...]

    def registers(self) -> Iterable[int | None]:
        return self.dst, *[one for key, value, _ in self.entries for one in (key, value)]


@dataclass(slots=True, eq=False, repr=False)
class Capture(Op):
    """A comprehension adds a value (and, in a dict, its key) to its container."""

    container: int
    key: int | None
    src: int

    def registers(self) -> Iterable[int | None]:
        return self.container, self.key, self.src


@dataclass(slots=True, eq=False, repr=False)
class Merge(Op):
    """One of several values: `a if c else b`, `a or b`, whose first passes only if it is true."""

    dst: int
    src: int
    true: bool = False

    def registers(self) -> Iterable[int | None]:
        return self.dst, self.src


@dataclass(slots=True, eq=False, repr=False)
class Iter(Op):
    dst: int
    src: int

    def registers(self) -> Iterable[int | None]:
        return self.dst, self.src


@dataclass(slots=True, eq=False, repr=False)
class Next(Op):
    """The head of a loop: take the next item, or leave. `in_comprehension` ends the iteration where it stands."""

    dst: int
    iterator: int
    in_comprehension: bool = False

    def registers(self) -> Iterable[int | None]:
        return self.dst, self.iterator


@dataclass(slots=True, eq=False, repr=False)
class Unpack(Op):
    dsts: tuple[int, ...]
    src: int
    star: int | None = None

    def registers(self) -> Iterable[int | None]:
        return *self.dsts, self.src


@dataclass(slots=True, eq=False, repr=False)
class Def(Op):
    """The evaluation of a function or lambda, with its default values by parameter and its decorators."""

    dst: int
    function: "Function"
    defaults: tuple[tuple[str, int], ...]
    decorators: tuple[int, ...] = ()

    def registers(self) -> Iterable[int | None]:
        return self.dst, *[one for _, one in self.defaults], *self.decorators


@dataclass(slots=True, eq=False, repr=False)
class Class(Op):
    dst: int
    bases: tuple[int, ...]
    decorators: tuple[int, ...] = ()

    def registers(self) -> Iterable[int | None]:
        return self.dst, *self.bases, *self.decorators


@dataclass(slots=True, eq=False, repr=False)
class Read(Op):
    """A read of a value's data: by a test, a format, a raise, a pattern."""

    src: int
    how: str = ""

    def registers(self) -> Iterable[int | None]:
        return (self.src,)


@dataclass(slots=True, eq=False, repr=False)
class Assume(Op):
    """The evidence of a test about a variable: whether it is of a class (the register of that), None, or true."""

    name: str
    cls: int | None
    holds: bool = True
    true: bool = False

    def registers(self) -> Iterable[int | None]:
        return (self.cls,)


@dataclass(slots=True, eq=False, repr=False)
class Enter(Op):
    dst: int
    src: int

    def registers(self) -> Iterable[int | None]:
        return self.dst, self.src


@dataclass(slots=True, eq=False, repr=False)
class Exit(Op):
    src: int

    def registers(self) -> Iterable[int | None]:
        return (self.src,)


@dataclass(slots=True, eq=False, repr=False)
class Return(Op):
    src: int

    def registers(self) -> Iterable[int | None]:
        return (self.src,)


@dataclass(slots=True, eq=False, repr=False)
class Yield(Op):
    dst: int
    src: int

    def registers(self) -> Iterable[int | None]:
        return self.dst, self.src


@dataclass(slots=True, eq=False, repr=False)
class Await(Yield):
    """`await`: the other side gives a value back, as to a `yield`."""


@dataclass(slots=True, eq=False, repr=False)
class Function:
    """A function, lambda, class body or module body: its syntax, names and (once lowered) its graph.

    `steps`: the number of operations of called functions that are executed within it, rounds of loops included.
    """

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.Module
    name: str
    parent: "Function | None" = None
    in_class: ast.ClassDef | None = None
    graph: "Graph | None" = None
    home: object = None
    steps: int = 250
    writes: bool | None = None
    marks: object = None
    scopes: Scopes = field(default_factory=Scopes)
    nested: "dict[str, Function | None]" = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        """The syntax of the body."""
        return self.scopes[self.node]

    @property
    def locals(self) -> frozenset[str]:
        """The names that the body binds as its own."""
        return self.scope.locals
