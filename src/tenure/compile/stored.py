"""The values that are stored in buffers, and the reads of computing each of them.

    a = sin x; b = a * y; s = reduce_sum b        becomes        s is stored, and is computed from x and y

An elementwise or movement value that one place reads is computed where it is read. Values that several kernels
read are stored unless they are cheap.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from math import prod

from tenure.compile.index import Index, Unseen
from tenure.compile.nests import in_one_loop, merge
from tenure.compile.packed import packed
from tenure.compile.plan import identity, instruction
from tenure.compile.ranges import bounds_of
from tenure.compile.symbolic import Except, Tracer, unmerged
from tenure.ir.program import Instruction, Program
from tenure.ops.move import permute
from tenure.runtime.tiles import any_layout

CHEAP = 2
DEEPEST = 60
"""The number of operations that may be computed one inside the other before a value is stored."""


def choose_stored(program: Program, subviews: Collection[int] = ()) -> set[int]:
    """Inputs and their subviews, outputs, results of loop nests, operands of library calls, and what is dear and read
    twice."""
    n = len(program.inputs)
    readers: dict[int, list[int]] = {}
    for k, at in enumerate(program.instructions):
        for o in set(at.operands):
            readers.setdefault(o, []).append(n + k)
    stored = {*range(n), *subviews, *program.outputs}
    weight: dict[int, int] = dict.fromkeys(range(n), 0)
    depth: dict[int, int] = dict.fromkeys(range(n), 0)
    fixed: set[int] = set()
    for k, at in enumerate(program.instructions):
        v, lower = n + k, at.primitive.lower
        if not lower.inline:
            stored.add(v)
        stored.update(lower.held(Follower(program, stored), at))
        stored.update([bound.value for bound in bounds_of(program, at)])
        own: int = lower.cost
        if lower.folds and fixed.issuperset(at.operands):
            fixed.add(v)
            own = 0
        weight[v] = own + sum([weight[o] for o in set(at.operands)])
        depth[v] = 1 + max([depth[o] for o in at.operands], default=0)
        users = readers.get(v, [])
        repeated = any(broadcasts(program, u, at.aval.size) for u in users)
        dear = (len(users) > 1 and weight[v] > CHEAP) or (repeated and (weight[v] > 0 or unpacks(program, at)))
        if v not in stored and (dear or depth[v] > DEEPEST):
            stored.add(v)
        if v in stored:
            weight[v] = depth[v] = 0
    return settle(program, stored)


def broadcasts(program: Program, u: int, size: int) -> bool:
    """Whether an elementwise value reads an operand of this size several times over; a write or a join does not."""
    return instruction(program, u).primitive.lower.inline and program.aval(u).size > size


def unpacks(program: Program, at: Instruction) -> bool:
    """Whether elements that registers hold as whole numbers become floats, which costs much when each row does it."""
    return at.aval.dtype.kind == "f" and any(packed(program.aval(o).dtype) for o in at.operands)


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


def multiplied(program: Program, at: Instruction, stored: Container[int]) -> list[tuple[int, bool]]:
    """The values that a product reads for its operands: the base of a reshape, the matrix of a transpose. That only
    where it changes no bit, as an operand may as well come from a program before, where it lies in order."""
    (m, n), k = at.aval.shape[-2:], program.aval(at.operands[0]).shape[-1]
    turns = at.aval.dtype.kind != "f" or any_layout(m, n, k)
    return [as_it_lies(program, o, stored, turns) for o in at.operands]


def lying(program: Program, at: Instruction, stored: Container[int]) -> list[int]:
    """The values that a routine reads for the operands: the base of a reshape."""
    return [as_it_lies(program, o, stored, False)[0] for o in at.operands]


def as_it_lies(program: Program, v: int, stored: Container[int], turns: bool) -> tuple[int, bool]:
    """The stored value that a library call reads in place of another, and whether as its transpose."""
    n, turned = len(program.inputs), False
    if turns and v >= n and v not in stored and is_swap(instruction(program, v)):
        v, turned = instruction(program, v).operands[0], True
    while v >= n and v not in stored and instruction(program, v).primitive.traits.in_order:
        v = instruction(program, v).operands[0]
    return v, turned


def is_swap(at: Instruction) -> bool:
    """Whether an instruction exchanges the last two axes."""
    ndim = at.aval.ndim
    return at.primitive is permute and tuple(at.params["order"]) == (*range(ndim - 2), ndim - 1, ndim - 2)


def of_one_form(program: Program, values: Sequence[int]) -> bool:
    """Whether reductions are over the same axes of operands of one shape."""
    made = [instruction(program, v) for v in values]
    return len({(program.aval(at.operands[0]).shape, at.params["axes"], at.params.get("block")) for at in made}) == 1


class Follower(Tracer):
    """The planner that kinds of lowering are handed: it follows the computation of one stored value."""

    def follow(self, v: int) -> None:
        """Note what computing a value by itself reads. Raises Unseen."""
        at = instruction(self.program, v)
        self.stored = Except(self.stored, (v,))
        at.primitive.lower.reads(self, v, at)

    def index(self, x: int) -> Index:
        """The index of a loop nest over a value."""
        return identity(self.shape(x))

    def whole(self, x: int) -> None:
        """All elements of a value are read, each at its index in a loop nest over it."""
        self.at(x, self.index(x))

    def elements(self, v: int) -> None:
        """All elements of a value are computed, in the shape of their loop nest."""
        self.whole(unmerged(self.program, self.stored, v))

    def into(self, v: int, index: Index) -> None:
        """An element of a value is written at an index."""
        for i in index:
            self.see(i)

    def one_loop(self, x: int, axes: Sequence[int]) -> None:
        """Some axes of x are gone through in one loop; what does not allow it is stored."""
        shape, last = self.shape(x), max(axes, default=-1)
        found = merge(shape, axes, self.forms)
        if not (in_one_loop(found) if prod(shape[last + 1 :]) == 1 else len(found) <= 1):
            raise Unseen(x)

    def lying(self, at: Instruction) -> list[int]:
        """The values in memory that a routine reads for the operands."""
        return lying(self.program, at, self.stored)

    def matrices(self, at: Instruction) -> list[tuple[int, bool]]:
        """The operands of a library's product, as they lie in memory."""
        return multiplied(self.program, at, self.stored)
