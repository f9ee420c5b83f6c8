"""Narrowing of a program: of values that are only read by a few small indices nothing else is computed.

y = multiply x c; r = getitem y i         r = multiply (getitem x i) c
y = permute x; r = getitem y i j          r = getitem x j i
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from itertools import accumulate, chain, pairwise
from typing import Any

from tenure.ir.applications import Application
from tenure.ir.primitive import Primitive
from tenure.ir.program import Builder, Program, Value
from tenure.ops.advanced import gather
from tenure.ops.index import getitem
from tenure.transform.reads import FEW, SMALL, VIEWS, Read, alike, through

READS = (getitem, gather)
Key = tuple[Primitive, tuple[int, ...], tuple[tuple[str, Any], ...]]
"""A read by index of whatever value: its primitive, the operands but the first, and the parameters."""


def unwrapped(program: Program) -> Program:
    """Rewrite the program: small reads of views become reads of their bases. The rest is copied."""
    n, applications, operands = len(program.inputs), program.applications, list(program.reads())
    found = [
        k
        for k, at in enumerate(applications)
        if at.primitive is getitem and operands[k][0] >= n and of_view(applications[operands[k][0] - n], at.aval.size)
    ]
    if not found:
        return program
    b = Builder()
    ids = [b.input(aval).id for aval in program.inputs]
    for start, k in pairwise([-1, *found, len(applications)]):
        ids.extend(range(len(b.avals), len(b.avals) + k - start - 1))
        part = slice(start + 1, k)
        moved = [tuple([ids[o] for o in reads]) for reads in operands[part]]
        b.extend(applications[part], moved, program.origins[part])
        if k < len(applications):
            b.origin, at = program.origins[k], applications[k]
            x, *rest = [Value(b, ids[o]) for o in operands[k]]
            ids.append(read_through(x, Read(getitem, tuple(rest), dict(at.params), at.aval.size)).id)
    return b.extract(range(n), [ids[v] for v in program.outputs])


def read_through(x: Value, read: Read) -> Value:
    """Rewrite one read of a view as a read of its base."""
    at = x.builder.instruction(x.id)
    if at is None or not of_view(at.application, read.size):
        return read.of(x)
    y = Value(x.builder, at.operands[0])
    view = through(at, y, read)
    return read.of(x) if view is None else view.there(read_through(y, view.read))


def of_view(at: Application, size: int) -> bool:
    """Whether so many elements, read of the result of an application, may be elements of its operand."""
    return at.primitive in VIEWS and max(2 * size, SMALL + 1) <= at.aval.size


class Narrowing:
    """Analysis of a program: the values that are only read by index, with their indices. Others than these are not
    looked at."""

    def __init__(self, program: Program) -> None:
        self.program, self.operands = program, list(program.reads())
        self.uses = Counter(chain(memoryview(program.operands).cast("q"), program.outputs))
        self.found: dict[int, dict[Key, int]] = {}
        self.narrow: set[int] = set()
        for at, operands in zip(program.applications, self.operands, strict=True):
            if at.primitive in READS:
                self.use(operands[0], {key_of(at, operands): at.aval.size})
        n, waiting = len(program.inputs), [-v for v in self.found]
        heapify(waiting)
        while waiting and -waiting[0] >= n:
            v = -heappop(waiting)
            for o in self.look(v, program.applications[v - n], self.operands[v - n]):
                heappush(waiting, -o)

    def use(self, v: int, reads: Mapping[Key, int]) -> bool:
        """Note a use of a value by reads alone; whether it is the first one."""
        self.uses[v] -= 1
        first = v not in self.found
        self.found.setdefault(v, {}).update(reads)
        return first

    def look(self, v: int, at: Application, operands: tuple[int, ...]) -> list[int]:
        """Decide on a value all of whose reads are known. Returns the operands that are read first here."""
        wanted, shape = self.found[v], at.aval.shape
        shapes = [aval.shape for aval in at.operands]
        few = at.aval.size > SMALL and len(wanted) <= FEW and 2 * sum(wanted.values()) <= at.aval.size
        if self.uses[v] or not few or not shapes or not alike(at, shapes):
            return []
        self.narrow.add(v)
        return [o for o, each in zip(operands, shapes, strict=True) if each == shape and self.use(o, wanted)]


def key_of(at: Application, operands: tuple[int, ...]) -> Key:
    """The read that an application on these operands is."""
    return at.primitive, operands[1:], tuple(sorted(at.params.items(), key=lambda p: p[0]))


class Rewriting:
    """Program under construction in which narrow values are read element by element."""

    def __init__(self, program: Program, narrow: set[int]) -> None:
        self.program, self.narrow = program, narrow
        self.b = Builder()
        self.b.tracking = False
        self.values: list[int | None] = [self.b.input(aval).id for aval in program.inputs]
        self.memo: dict[tuple[int, Key], int] = {}

    def whole(self, v: int) -> int:
        """A value that is computed wholly."""
        found = self.values[v]
        assert found is not None
        return found

    def read(self, v: int, key: Key) -> int:
        """A read of a value: of a narrow one the elements, computed from those of its operands, these first."""
        stack = [v]
        while stack:
            y = stack[-1]
            missing = [] if (y, key) in self.memo else self.make(y, key)
            stack.extend(missing)
            if not missing:
                stack.pop()
        return self.memo[v, key]

    def make(self, y: int, key: Key) -> list[int]:
        """Emit a read, unless reads are missing that it is made of: these are returned, the first one last."""
        if y not in self.narrow:
            primitive, rest, params = key
            xs = [Value(self.b, self.whole(o)) for o in (y, *rest)]
            self.memo[y, key] = primitive(*xs, **dict(params)).id
            return []
        at = self.program.instructions[y - len(self.program.inputs)]
        shape = at.aval.shape
        parts = [self.program.aval(o).shape == shape and shape != () for o in at.operands]
        missing = [o for o, part in zip(at.operands, parts, strict=True) if part and (o, key) not in self.memo]
        if not missing:
            each = zip(at.operands, parts, strict=True)
            xs = [Value(self.b, self.memo[o, key] if part else self.whole(o)) for o, part in each]
            self.memo[y, key] = at.primitive(*xs, **at.params).id
        return missing[::-1]


def narrow(program: Program) -> Program:
    """Rewrite the program: of values that are only read by a few small indices nothing else is computed."""
    n, operands, applications = len(program.inputs), memoryview(program.operands).cast("q"), program.applications
    first = accumulate([len(at.operands) for at in applications], initial=0)
    if not any(at.reads > SMALL and operands[k] >= n for at, k in zip(applications, first, strict=False)):
        return program  # it would keep its instructions, six objects a recorded row
    program = unwrapped(program)
    found = Narrowing(program).narrow
    if not found:
        return program
    new = Rewriting(program, found)
    for v, at in enumerate(program.instructions, n):
        new.b.origin = at.origin
        if v in found:
            new.values.append(None)
        elif at[0].primitive in READS and at.operands[0] in found:
            new.values.append(new.read(at.operands[0], key_of(at.application, at.operands)))
        else:
            new.values.append(new.b.append(at.application, tuple([new.whole(o) for o in at.operands])))
    return new.b.extract(range(n), [new.whole(v) for v in program.outputs])
