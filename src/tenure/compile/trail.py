"""A block written from values around it, in the place that they are read from.

    u[1:-1] = f(u[:-2], u[2:])      each row is computed, kept, and stored when no later row reads what it overwrites

Rows are kept in a ring of scratch, so the place is read once and written once. Every read of the base has to lie a
fixed distance from what is written; a value that reads its base otherwise is stored by itself first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llvmlite import ir

from tenure.compile.elements import Emitter, in_memory, widths
from tenure.compile.fuse import identity, instruction, settle
from tenure.compile.index import Affine
from tenure.compile.loops import Axis, constant, counted, merge, nest, short, stack, vectorized
from tenure.compile.symbolic import Tracer
from tenure.ir.program import Program
from tenure.ops.lowering import Write
from tenure.ops.move import broadcast_to, full

if TYPE_CHECKING:
    from tenure.compile.body import Body

ROOM = 1 << 16
"""Bytes of kept rows at most."""
SEGMENT = 2048
"""Elements of a block of one axis that count as a row."""


class Trail(NamedTuple):
    """How a block is written: ``behind`` rows wait while one is computed; a row has ``length`` elements."""

    value: int
    spot: Affine
    axes: list[Axis]
    behind: int
    length: int


def entangled(program: Program, stored: set[int], v: int) -> bool:
    """Whether what a write stores, or where, is computed from its base."""
    at, lower = instruction(program, v), instruction(program, v).primitive.lower
    assert isinstance(lower, Write)
    base = None if lower.base is None else at.operands[lower.base]
    stack, seen = [o for k, o in enumerate(at.operands) if k != lower.base], set[int]()
    while stack:
        o = stack.pop()
        if o == base:
            return True
        if o not in seen and o not in stored:
            seen.add(o)
            stack.extend(instruction(program, o).operands)
    return False


def untangle(program: Program, stored: set[int]) -> set[int]:
    """Store what lets writes be in place: a computed base, and a value that depends on its base in other ways."""
    for v in sorted(stored - set(range(len(program.inputs)))):
        at = instruction(program, v)
        lower = at.primitive.lower
        if not isinstance(lower, Write) or lower.base is None:
            continue
        base, value = at.operands[lower.base], at.operands[lower.value]
        if base not in stored and instruction(program, base).primitive not in (full, broadcast_to):
            stored.add(base)
        if value not in stored and entangled(program, stored, v) and trail(program, stored, v) is None:
            stored.add(value)
    return settle(program, stored)


def trail(program: Program, stored: set[int], v: int) -> Trail | None:
    """How to write a block in place that is computed from its base, if that can be."""
    at = instruction(program, v)
    lower = at.primitive.lower
    if not isinstance(lower, Write) or lower.add or lower.part is not None or lower.base is None:
        return None
    x, base, shape = at.operands[lower.value], at.operands[lower.base], program.aval(at.operands[lower.value]).shape
    if base not in stored or x in stored or not all(shape):
        return None
    index, t = identity(shape), Tracer(program, stored)
    t.at(x, index)
    spot = t.address(lower.place(t, index, *at.operands, **at.params), at.aval.shape)
    t.see(spot)
    axes = merge(shape, range(len(shape)), t.forms)
    reads = [where for y, where in t.places if y == base]
    fixed = all(where.terms == spot.terms and where.reads == spot.reads for where in reads)
    if not axes or not fixed or any(c < 0 for _, c in spot.terms):
        return None
    inner = axes[1:]
    length, step, size = 1, spot.coefficient(axes[0].name), 0
    if inner:
        for axis in inner:
            length *= axis.size
            size += spot.coefficient(axis.name) * (axis.size - 1)
    else:
        length, step, size = SEGMENT, step * SEGMENT, step * (SEGMENT - 1)
    back = max([spot.constant - where.constant for where in reads], default=0)
    behind = (size + max(back, 0)) // step
    room = (behind + 1) * length * at.aval.dtype.itemsize
    return Trail(x, spot, axes, behind, length) if room <= ROOM else None


class Writer:
    """Emits the loops of a trail."""

    def __init__(self, body: Body, v: int, found: Trail) -> None:
        self.body, self.b, self.v = body, body.b, v
        self.x, self.spot, self.axes, self.behind, self.length = found
        self.dtype = body.program.aval(v).dtype
        self.t = in_memory(self.dtype)
        self.lane = self.axes[-1]
        self.flat = len(self.axes) == 1
        width = widths([body.program.aval(v)], body.bits)
        self.width = width if self.lane.size >= width else 1
        self.ring = stack(self.b, ir.ArrayType(self.t, (self.behind + 1) * self.length + width))
        steps, total = [], 1
        for axis in reversed(self.axes[1:] or self.axes):
            steps.append((axis.name, total))
            total *= axis.size
        self.inner = Affine(tuple(sorted(steps)))

    def emit(self) -> None:
        """Row after row: compute one, store the one that nobody reads any more."""
        b, first = self.b, self.axes[0]
        rows = -(-first.size // self.length) if self.flat else first.size

        def step(i: ir.Value, _: list[Any]) -> list[Any]:
            with b.if_then(b.icmp_signed("<", i, constant(rows))):
                self.row(i, self.compute)
            with b.if_then(b.icmp_signed(">=", i, constant(self.behind))):
                self.row(b.sub(i, constant(self.behind)), self.retire)
            return []

        counted(b, constant(0), constant(rows + self.behind), 1, step)

    def row(self, i: ir.Value, at: Any) -> None:
        """``at(emitter, kept)`` for the elements of a row; ``kept`` is where the ring has them."""
        b = self.b
        variables: dict[int, Any] = {}
        slot = b.mul(b.urem(i, constant(self.behind + 1)), constant(self.length))
        start, stop = constant(0), constant(self.lane.size)
        if self.flat:
            start = b.mul(i, constant(self.length))
            end = b.add(start, constant(self.length))
            stop = b.select(b.icmp_signed("<", end, stop), end, stop)
            slot = b.sub(slot, start)
        else:
            variables[self.axes[0].name] = i
        kept = b.gep(self.ring, [slot], source_etype=self.t)

        def element(j: ir.Value, w: int, live: int | None = None) -> None:
            at(self.body.emitter(set(), {**variables, self.lane.name: j}, self.lane.name, w, live), kept)

        rest = 0 if self.flat else short(self.lane.size, self.width, self.dtype.itemsize)
        partial = (lambda j: element(j, self.width, rest)) if rest else None
        nest(b, self.axes[1:-1], variables, lambda: vectorized(b, start, stop, self.width, element, partial))

    def compute(self, e: Emitter, kept: ir.Value) -> None:
        """Elements into the ring."""
        e.store(e.at(self.x, identity(self.body.program.aval(self.x).shape)), kept, self.inner, self.dtype)

    def retire(self, e: Emitter, kept: ir.Value) -> None:
        """Elements out of the ring to their place."""
        at = self.b.gep(kept, [e.scalar(self.inner)], source_etype=self.t)
        raw = self.b.load(at, typ=ir.VectorType(self.t, e.width) if e.width > 1 else self.t, align=self.dtype.itemsize)
        e.store(e.from_memory(raw, self.dtype), self.body.pointer(self.v), self.spot, self.dtype)
