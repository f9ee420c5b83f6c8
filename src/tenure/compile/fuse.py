"""Which values are stored, and which kernels compute them.

    a = sin x; b = a * y; s = reduce_sum b        becomes        kernel 0: s, reading x and y

An elementwise or movement value that one place reads is computed where it is read. Values that several kernels
read are stored unless they are cheap. Stored values of one shape that can be computed side by side share a kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tenure.compile.index import Index, Unseen, loop
from tenure.compile.loops import merge
from tenure.compile.symbolic import Tracer
from tenure.ir.program import Instruction, Program
from tenure.ops.lowering import Element, Fold, Pieces, Product, Search, Write

CHEAP = 2
DEEPEST = 60
"""How many operations may be computed one inside the other before a value is stored."""
BOUNDED = {"gather": (1, 0), "scatter_add": (2, 0), "take_along": (1, -1), "add_along": (2, -1)}
"""Primitives whose index operand must lie within an axis of the first operand: that operand, and the axis."""
MOVES = {"reshape", "permute", "broadcast_to", "flip", "full", "iota", "getitem", "mark", "cast"}


@dataclass
class Kernel:
    """One loop nest: the stored values it computes (several only if they are elementwise), and what it reads."""

    values: list[int]
    reads: set[int] = field(default_factory=set)


@dataclass
class Plan:
    """Kernels in order, and the values that lie in buffers."""

    program: Program
    stored: set[int]
    kernels: list[Kernel]


def identity(shape: tuple[int, ...]) -> Index:
    """The index of a loop nest over a shape."""
    return tuple([loop(k) for k in range(len(shape))])


def instruction(program: Program, v: int) -> Instruction:
    """The instruction that defines a value."""
    return program.instructions[v - len(program.inputs)]


def fuse(program: Program) -> Plan:
    """Choose stored values and kernels."""
    stored = choose_stored(program)
    while True:
        try:
            return Plan(program, stored, schedule(program, stored))
        except Unseen as obstacle:
            stored.add(obstacle.value)


def choose_stored(program: Program) -> set[int]:
    """Inputs, outputs, results of loop nests, operands of library calls, and what is dear and read twice."""
    n = len(program.inputs)
    readers: dict[int, list[int]] = {}
    for k, at in enumerate(program.instructions):
        for o in set(at.operands):
            readers.setdefault(o, []).append(n + k)
    stored = set(range(n)) | set(program.outputs)
    weight: dict[int, int] = dict.fromkeys(range(n), 0)
    depth: dict[int, int] = dict.fromkeys(range(n), 0)
    for k, at in enumerate(program.instructions):
        v, lower = n + k, at.primitive.lower
        if not isinstance(lower, Element):
            stored.add(v)
            if isinstance(lower, Product):
                stored.update([through_transpose(program, o, stored)[0] for o in at.operands])
        if at.primitive.name in BOUNDED:
            stored.add(at.operands[BOUNDED[at.primitive.name][0]])
        own = 0 if at.primitive.name in MOVES else 4 if isinstance(lower, Element) and lower.heavy else 1
        weight[v] = own + sum([weight[o] for o in set(at.operands)])
        depth[v] = 1 + max([depth[o] for o in at.operands], default=0)
        users = readers.get(v, [])
        repeated = any(program.aval(u).size > at.aval.size for u in users)
        dear = (len(users) > 1 and weight[v] > CHEAP) or (repeated and weight[v] > 0)
        if v not in stored and (dear or depth[v] > DEEPEST):
            stored.add(v)
        if v in stored:
            weight[v] = depth[v] = 0
    return stored


def through_transpose(program: Program, v: int, stored: set[int]) -> tuple[int, bool]:
    """What a library call reads in place of a value: itself, or the matrix that it is the transpose of."""
    n = len(program.inputs)
    if v >= n and v not in stored:
        at = instruction(program, v)
        ndim = at.aval.ndim
        if at.primitive.name == "permute" and ndim >= 2:
            swapped = (*range(ndim - 2), ndim - 1, ndim - 2)
            if tuple(at.params["order"]) == swapped:
                return at.operands[0], True
    return v, False


def reads_of(program: Program, stored: set[int], v: int, group: set[int]) -> set[int]:
    """The stored values that computing a value reads; those of its group only at the same index."""
    at = instruction(program, v)
    lower = at.primitive.lower
    if isinstance(lower, Product):
        return {through_transpose(program, o, stored)[0] for o in at.operands}
    t = GroupTracer(program, stored - {v}, group)
    if isinstance(lower, Element):
        t.own = identity(at.aval.shape)
        t.at(v, t.own)
    elif isinstance(lower, Fold | Search):
        x = at.operands[0]
        shape = program.aval(x).shape
        t.at(x, identity(shape))
        if isinstance(lower, Fold) and len(merge(shape, at.params["axes"], t.forms)) > 1:
            raise Unseen(x)
    elif isinstance(lower, Pieces):
        for o in at.operands:
            t.at(o, identity(program.aval(o).shape))
    elif isinstance(lower, Write):
        if lower.base is not None:
            t.at(at.operands[lower.base], identity(at.aval.shape))
        x = at.operands[lower.value]
        index = identity(program.aval(x).shape)
        t.at(x, index)
        for i in lower.place(t, index, *at.operands, **at.params):
            t.see(i)
    return t.reads


class GroupTracer(Tracer):
    """Refuses to see a value of the same kernel at another index than the kernel's own."""

    def __init__(self, program: Program, stored: set[int], group: set[int]) -> None:
        super().__init__(program, stored)
        self.group = group
        self.own: object = None

    def at(self, x: int, index: object) -> object:
        if x in self.group and index != self.own:
            raise Apart
        if x in self.group:
            self.reads.add(x)
            return None
        return super().at(x, index)


class Apart(Exception):
    """Two values cannot share a kernel."""


def schedule(program: Program, stored: set[int]) -> list[Kernel]:
    """Kernels in an order in which each reads only what earlier ones (or itself) have computed."""
    kernels: list[Kernel] = []
    home: dict[int, int] = {}
    for v in sorted(stored):
        if v < len(program.inputs):
            continue
        reads = reads_of(program, stored, v, set())
        first = max([home[r] + 1 for r in reads if r in home], default=0)
        at = joinable(program, stored, kernels, home, v, first) if elementwise(program, v) else None
        if at is None:
            home[v] = len(kernels)
            kernels.append(Kernel([v], reads))
        else:
            home[v] = at
            kernels[at].values.append(v)
            kernels[at].reads |= reads - set(kernels[at].values)
    return kernels


def elementwise(program: Program, v: int) -> bool:
    """Whether a value is computed element by element."""
    return isinstance(instruction(program, v).primitive.lower, Element)


def joinable(
    program: Program, stored: set[int], kernels: list[Kernel], home: dict[int, int], v: int, first: int
) -> int | None:
    """The kernel that can compute a value beside its own, if there is one."""
    shape = program.aval(v).shape
    for k in range(len(kernels) - 1, max(first - 2, len(kernels) - 9, -1), -1):
        head = kernels[k].values[0]
        if program.aval(head).shape != shape or not elementwise(program, head):
            continue
        try:
            reads = reads_of(program, stored - set(kernels[k].values), v, set(kernels[k].values))
        except (Apart, Unseen):
            continue
        if all(home.get(r, -1) < k or r in kernels[k].values for r in reads):
            return k
    return None
