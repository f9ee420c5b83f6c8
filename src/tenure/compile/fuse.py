"""Which values are stored, and which kernels compute them.

    a = sin x; b = a * y; s = reduce_sum b        becomes        kernel 0: s, reading x and y

An elementwise or movement value that one place reads is computed where it is read. Values that several kernels
read are stored unless they are cheap. ``schedule`` puts stored values that can be computed together into kernels.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from tenure.compile.index import Affine, Index, Unseen, loop
from tenure.compile.loops import merge
from tenure.compile.symbolic import Tracer
from tenure.ir.primitive import Limit
from tenure.ir.program import Instruction, Program
from tenure.ops.advanced import taken
from tenure.ops.lowering import Element, Fold, Pieces, Product, Search, Write
from tenure.runtime.tiles import any_layout

CHEAP = 2
DEEPEST = 60
"""How many operations may be computed one inside the other before a value is stored."""
BOUNDED = {"take_along": 1, "add_along": 2, "add_one_along": 2}
"""Primitives whose index operand must lie within the last axis of the first operand: that operand."""
INDEXED = {"gather": 1, **dict.fromkeys(("scatter", *[f"scatter_{s}" for s in ("add", "multiply", "max", "min")]), 2)}
"""Those with index arrays for axes of the first operand: where the operands of their spec begin."""


class Bound(NamedTuple):
    """The elements of a value must lie in [low, low + size)."""

    value: int
    low: int
    size: int


def bounds_of(program: Program, at: Instruction) -> list[Bound]:
    """What must hold of operands when an instruction runs: indices lie in their axis, whole numbers keep to the limit
    of a primitive."""
    name, operands, limit = at.primitive.name, at.operands, at.primitive.limit
    if limit is not None:
        needed = at.aval.dtype.kind == "i" and at.aval.size
        return kept(program, operands[limit.operand], limit) if needed else []
    axes: list[tuple[int, int]] = []
    if name in BOUNDED:
        axes = [(operands[BOUNDED[name]], program.aval(operands[0]).shape[-1])]
    elif name in INDEXED:
        shape = program.aval(operands[0]).shape
        axes = [(i, shape[k]) for e, k, i in taken(at.params["spec"], operands[INDEXED[name] :]) if e == "a"]
    elif name == "stamp":
        axes = list(zip(operands[1:], at.params["sizes"], strict=True))
    return [Bound(i, -size, 2 * size) for i, size in axes if not counts_up(program, i, size)]


def kept(program: Program, v: int, limit: Limit) -> list[Bound]:
    """The bound that keeps whole numbers to a limit: of the number that they are, if they are all one; none for a
    constant that keeps to it."""
    n, at = len(program.inputs), v
    while at >= n and same_number(program, instruction(program, at)):
        at = instruction(program, at).operands[0]
    if at >= n and instruction(program, at).primitive.name == "full":
        number = instruction(program, at).params["value"]
        if type(number) is int and abs(number) < 2**31 and limit.admits(number):
            return []
    alone = at < n and program.inputs[at].weak and program.inputs[at].dtype.kind == "i"
    checked = at if alone else v
    return [Bound(checked, *limit.window(8 * program.aval(checked).dtype.itemsize))]


def same_number(program: Program, at: Instruction) -> bool:
    """Whether an instruction gives the whole numbers of its operand. A number that was recorded fits into the dtype
    that it is cast to first."""
    if at.primitive.name in ("reshape", "broadcast_to"):
        return True
    before = program.aval(at.operands[0]) if at.primitive.name == "cast" else None
    if before is None or before.dtype.kind != "i" or at.aval.dtype.kind != "i":
        return False
    return before.weak or before.dtype.itemsize <= at.aval.dtype.itemsize


def counts_up(program: Program, v: int, size: int) -> bool:
    """Whether a value is 0, 1, 2, … along an axis, below a size: it needs no check."""
    n = len(program.inputs)
    while v >= n and instruction(program, v).primitive.name in ("reshape", "broadcast_to"):
        v = instruction(program, v).operands[0]
    return v >= n and instruction(program, v).primitive.name == "iota" and program.aval(v).size <= size


MOVES = {"reshape", "permute", "broadcast_to", "flip", "full", "iota", "getitem", "mark", "cast"}

ARITHMETIC = {"add", "subtract", "multiply", "chain", "divide", "negative", "equal", "not_equal", "where"}
FOLDED = (MOVES | ARITHMETIC) - {"iota"}
"""Primitives that LLVM computes itself where the operands are constants."""


class Domain(NamedTuple):
    """What a kernel goes over row by row: a shape, of which the axes from ``cut`` on are the row."""

    shape: tuple[int, ...]
    cut: int


class Kind(Enum):
    """What a member is to its kernel."""

    ROW = "an element for each of the domain's"
    SINGLE = "one element for each row"
    FOLD = "a reduction of each row"
    COLUMN = "a reduction over the rows, of all or of each HEIGHT"
    ALONE = "a value with a loop nest of its own kind"


class Member(NamedTuple):
    """A value that a kernel computes.

    ``at`` is the index, in the domain's loop variables, at which it (of a reduction: its operand) is computed;
    ``reads`` are the members among what it reads; ``phase`` is the pass over the row in which all of them are known.
    """

    kind: Kind
    at: Index
    reads: set[int]
    phase: int = 0


@dataclass(eq=False)
class Kernel:
    """One loop nest: the values that it stores, and what it reads.

    ``members`` are all values that it computes; those not stored live in registers or in a row of scratch. With a
    domain the kernel goes row by row, else several members are elementwise and of one shape. ``forms`` are the
    addresses it meets, ``place`` where it stands in the order, ``size`` the elements computed for each of its own.
    """

    values: list[int]
    reads: set[int]
    members: dict[int, Member] = field(default_factory=dict)
    domain: Domain | None = None
    forms: set[Affine] = field(default_factory=set)
    place: int = 0
    size: int = 0

    def __str__(self) -> str:
        kept = [v for v in self.members if v not in self.values]
        parts = [f"stores {names(self.values)}", f"reads {names(sorted(self.reads))}"]
        if kept:
            parts.insert(1, f"keeps {names(kept)}")
        if self.domain is not None:
            shape, cut = self.domain
            parts.append(f"rows {list(shape[:cut])} of {list(shape[cut:])}")
        return "; ".join(parts)


def names(values: list[int]) -> str:
    """Values as a program is printed."""
    return " ".join(f"%{v}" for v in values)


@dataclass
class Plan:
    """Kernels in order, and the values that lie in buffers; ``windows`` are those that are parts of inputs."""

    program: Program
    stored: set[int]
    kernels: list[Kernel]
    windows: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n".join(f"kernel {k}: {kernel}" for k, kernel in enumerate(self.kernels))


def identity(shape: tuple[int, ...]) -> Index:
    """The index of a loop nest over a shape."""
    return tuple([loop(k) for k in range(len(shape))])


def instruction(program: Program, v: int) -> Instruction:
    """The instruction that defines a value."""
    return program.instructions[v - len(program.inputs)]


def choose_stored(program: Program, windows: Collection[int] = ()) -> set[int]:
    """Inputs and their windows, outputs, results of loop nests, operands of library calls, and what is dear and read
    twice."""
    n = len(program.inputs)
    readers: dict[int, list[int]] = {}
    for k, at in enumerate(program.instructions):
        for o in set(at.operands):
            readers.setdefault(o, []).append(n + k)
    stored = {*range(n), *windows, *program.outputs}
    weight: dict[int, int] = dict.fromkeys(range(n), 0)
    depth: dict[int, int] = dict.fromkeys(range(n), 0)
    fixed: set[int] = set()
    for k, at in enumerate(program.instructions):
        v, lower = n + k, at.primitive.lower
        if not isinstance(lower, Element):
            stored.add(v)
            if isinstance(lower, Product):
                stored.update([o for o, _ in multiplied(program, at, stored)])
        stored.update([bound.value for bound in bounds_of(program, at)])
        own = 0 if at.primitive.name in MOVES else 4 if isinstance(lower, Element) and lower.heavy else 1
        if at.primitive.name in FOLDED and fixed.issuperset(at.operands):
            fixed.add(v)
            own = 0
        weight[v] = own + sum([weight[o] for o in set(at.operands)])
        depth[v] = 1 + max([depth[o] for o in at.operands], default=0)
        users = readers.get(v, [])
        repeated = any(broadcasts(program, u, at.aval.size) for u in users)
        dear = (len(users) > 1 and weight[v] > CHEAP) or (repeated and weight[v] > 0)
        if v not in stored and (dear or depth[v] > DEEPEST):
            stored.add(v)
        if v in stored:
            weight[v] = depth[v] = 0
    return settle(program, stored)


def broadcasts(program: Program, u: int, size: int) -> bool:
    """Whether an elementwise value reads an operand of this size several times over; a write or a join does not."""
    return isinstance(instruction(program, u).primitive.lower, Element) and program.aval(u).size > size


def settle(program: Program, stored: set[int]) -> set[int]:
    """Store also what an index cannot be followed through."""
    pending = sorted(stored - set(range(len(program.inputs))), reverse=True)
    while pending:
        try:
            Follower(program, stored).follow(pending[-1])
            pending.pop()
        except Unseen as obstacle:
            stored.add(obstacle.value)
            pending.append(obstacle.value)
    return stored


def multiplied(program: Program, at: Instruction, stored: set[int]) -> list[tuple[int, bool]]:
    """What a product reads for its operands: what each is a reshape of, or the matrix it is the transpose of. That only
    where it changes no bit, as an operand may as well come from a program before, where it lies in order."""
    (m, n), k = at.aval.shape[-2:], program.aval(at.operands[0]).shape[-1]
    turns = at.aval.dtype.kind != "f" or any_layout(m, n, k)
    return [as_it_lies(program, o, stored, turns) for o in at.operands]


def as_it_lies(program: Program, v: int, stored: set[int], turns: bool) -> tuple[int, bool]:
    """The stored value that a library call reads in place of another, and whether as its transpose."""
    n, turned = len(program.inputs), False
    if turns and v >= n and v not in stored and is_swap(instruction(program, v)):
        v, turned = instruction(program, v).operands[0], True
    while v >= n and v not in stored and instruction(program, v).primitive.name == "reshape":
        v = instruction(program, v).operands[0]
    return v, turned


def is_swap(at: Instruction) -> bool:
    """Whether an instruction exchanges the last two axes."""
    ndim = at.aval.ndim
    return at.primitive.name == "permute" and tuple(at.params["order"]) == (*range(ndim - 2), ndim - 1, ndim - 2)


def of_one_form(program: Program, values: Sequence[int]) -> bool:
    """Whether reductions are over the same axes of operands of one shape."""
    made = [instruction(program, v) for v in values]
    return len({(program.aval(at.operands[0]).shape, at.params["axes"], at.params.get("block")) for at in made}) == 1


class Follower(Tracer):
    """Follows the computation of one stored value."""

    def follow(self, v: int) -> None:
        """Note what computing a value by itself reads. Raises Unseen."""
        program, at = self.program, instruction(self.program, v)
        lower = at.primitive.lower
        self.stored = self.stored - {v}
        if isinstance(lower, Product):
            self.reads.update([o for o, _ in multiplied(program, at, self.stored)])
        elif isinstance(lower, Element):
            self.at(v, identity(at.aval.shape))
        elif isinstance(lower, Fold | Search):
            x = at.operands[0]
            shape = program.aval(x).shape
            self.at(x, identity(shape))
            if isinstance(lower, Fold) and len(merge(shape, at.params["axes"], self.forms)) > 1:
                raise Unseen(x)
        elif isinstance(lower, Pieces):
            for o in at.operands:
                self.at(o, identity(program.aval(o).shape))
        elif isinstance(lower, Write):
            self.write(at, lower)

    def write(self, at: Instruction, lower: Write) -> None:
        """What a write reads."""
        if lower.base is not None:
            self.at(at.operands[lower.base], identity(at.aval.shape))
        x = at.operands[lower.value]
        index = identity(self.program.aval(x).shape)
        self.at(x, index)
        for i in lower.place(self, index, *at.operands, **at.params):
            self.see(i)
