"""A block written from values around it, in the place that they are read from.

    u[1:-1] = f(u[:-2], u[2:])      each row is computed, kept, and stored when no later row reads what it overwrites

Rows are kept in a ring of scratch, so the place is read once and written once. Large blocks are shared out in chunks
of rows; those at a chunk's ends, whose neighbours another thread may overwrite, are computed before all others.

Every read of the base has to lie a fixed distance from what is written; a value that reads its base otherwise is
stored by itself first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir

from tenure.compile.body import LARGE, POINTER, Body, is_large, launch
from tenure.compile.element_types import in_memory, widths
from tenure.compile.elements import Emitter
from tenure.compile.index import Affine
from tenure.compile.nests import Axis, constant, counted, merge, nest, short, stack, vectorized
from tenure.compile.plan import identity, instruction
from tenure.compile.stored import settle
from tenure.compile.symbolic import Tracer
from tenure.ir.program import Program
from tenure.ops.move import broadcast_to, full

ROOM = 1 << 16
"""Bytes of kept rows at most."""
SEGMENT = 2048
"""Elements of a block of one axis that count as a row."""
CHUNKS = 8
"""Chunks of rows of a large block."""
SCRATCH = -1
"""The table's entry of the rows at the ends of chunks."""


class Stencil(NamedTuple):
    """An in-place stencil: it reads ``behind`` rows back and ``ahead`` on; a row has ``length`` elements."""

    value: int
    spot: Affine
    axes: list[Axis]
    behind: int
    ahead: int
    length: int


def entangled(program: Program, stored: set[int], v: int) -> bool:
    """Whether what a write stores, or where, is computed from its base."""
    at, lower = instruction(program, v), instruction(program, v).primitive.lower
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
        if lower.base is None:
            continue
        base, value = at.operands[lower.base], at.operands[lower.value]
        if base not in stored and instruction(program, base).primitive not in (full, broadcast_to):
            stored.add(base)
        if value not in stored and entangled(program, stored, v) and stencil(program, stored, v) is None:
            stored.add(value)
    return settle(program, stored)


def stencil(program: Program, stored: set[int], v: int) -> Stencil | None:
    """The form in which a block that is computed from its base is written in place, if it can be."""
    at = instruction(program, v)
    lower = at.primitive.lower
    if not lower.plain:
        return None
    assert lower.base is not None
    x, base, shape = at.operands[lower.value], at.operands[lower.base], program.aval(at.operands[lower.value]).shape
    if base not in stored or x in stored or not all(shape):
        return None
    index, t = identity(shape), Tracer(program, stored)
    t.at(x, index)
    spot = t.address(lower.spot(t, index, *at.operands, **at.params), at.aval.shape)
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
    shifts = [0, *[where.constant - spot.constant for where in reads]]
    behind, ahead = (size - min(shifts)) // step, (size + max(shifts)) // step
    room = (behind + ahead + 1) * length * at.aval.dtype.itemsize
    return Stencil(x, spot, axes, behind, ahead, length) if room <= ROOM else None


class StencilWriter:
    """Emits the loops of an in-place stencil into a body."""

    def __init__(self, body: Body, v: int, found: Stencil) -> None:
        self.body, self.b, self.v, self.found = body, body.b, v, found
        self.x, self.spot, self.axes, self.behind, self.ahead, self.length = found
        self.dtype = body.program.aval(v).dtype
        self.t = in_memory(self.dtype)
        self.lane = self.axes[-1]
        self.flat = len(self.axes) == 1
        self.rows = -(-self.axes[0].size // self.length) if self.flat else self.axes[0].size
        width = widths([body.program.aval(v)], body.bits)
        self.width = width if self.lane.size >= width else 1
        self.pitch = -(-self.length // width) * width
        steps, total = [], 1
        for axis in reversed(self.axes[1:] or self.axes):
            steps.append((axis.name, total))
            total *= axis.size
        self.inner = Affine(tuple(sorted(steps)))

    def emit(self) -> None:
        """All rows, large blocks in chunks that are shared out."""
        height = max(-(-self.rows // CHUNKS), 2 * (self.behind + self.ahead))
        if self.rows * self.length < LARGE or height >= self.rows:
            self.follow(constant(0), constant(self.rows))
        else:
            self.chunks(height, -(-self.rows // height))

    def follow(self, first: ir.Value, stop: ir.Value) -> None:
        """Row after row: compute one, store the one that nobody reads any more."""
        b, size = self.b, constant(self.behind + 1)
        ring = stack(b, ir.ArrayType(self.t, (self.behind + 1) * self.pitch))
        lag = constant(self.behind)

        def step(i: ir.Value, _: list[Any]) -> list[Any]:
            with b.if_then(b.icmp_signed("<", i, stop)):
                self.row(i, self.compute, ring, b.urem(i, size))
            done = b.sub(i, lag)
            with b.if_then(b.icmp_signed(">=", done, first)):
                self.row(done, self.retire, ring, b.urem(done, size))
            return []

        counted(b, first, b.add(stop, lag), 1, step)

    def chunks(self, height: int, count: int) -> None:
        """First the rows at the ends of all chunks, into scratch, as they read what other chunks overwrite; then each
        chunk's inside, and its ends into their places."""
        body, b = self.body, self.b
        entries = max(body.slots.values()) + 1
        table = stack(b, ir.ArrayType(POINTER, entries + 1))
        size = count * (self.behind + self.ahead) * self.pitch
        room = stack(b, ir.ArrayType(self.t, size))
        for k in range(entries):
            x = b.load(b.gep(body.function.args[0], [constant(k)], source_etype=POINTER), typ=POINTER)
            b.store(x, b.gep(table, [constant(k)], source_etype=POINTER))
        b.store(room, b.gep(table, [constant(entries)], source_etype=POINTER))
        for name in ("ends", "inside"):
            part = body.part(name)
            part.slots = {**body.slots, SCRATCH: entries}
            part.extents[SCRATCH] = size * self.dtype.itemsize
            part.work = self.rows * self.length
            writer = StencilWriter(part, self.v, self.found)
            first, last = part.claim(count)
            counted(part.b, first, last, 1, writer.ends if name == "ends" else writer.inside)
            part.b.ret_void()
            launch(b, part, table, is_large(part))

    def inside(self, c: ir.Value, _: list[Any]) -> list[Any]:
        """The rows of a chunk that read only the chunk, then those computed before."""
        b = self.b
        start, stop = self.bounds(c)
        first = smaller_of(b, b.add(start, constant(self.behind)), stop)
        end = b.sub(stop, constant(self.ahead))
        self.follow(first, b.select(b.icmp_signed(">", end, first), end, first))
        self.each_end(c, self.retire)
        return []

    def ends(self, c: ir.Value, _: list[Any]) -> list[Any]:
        """The first and last rows of a chunk."""
        self.each_end(c, self.compute)
        return []

    def bounds(self, c: ir.Value) -> tuple[ir.Value, ir.Value]:
        """The rows of a chunk."""
        b, height = self.b, max(-(-self.rows // CHUNKS), 2 * (self.behind + self.ahead))
        start = b.mul(c, constant(height))
        return start, smaller_of(b, b.add(start, constant(height)), constant(self.rows))

    def each_end(self, c: ir.Value, at: Any) -> None:
        """``at`` for the rows at both ends of a chunk, which have places in scratch; a short chunk has some twice."""
        b, room = self.b, self.body.pointer(SCRATCH)
        start, stop = self.bounds(c)
        place = b.mul(c, constant(self.behind + self.ahead))
        rows = [b.add(start, constant(k)) for k in range(self.behind)]
        rows += [b.sub(stop, constant(k + 1)) for k in range(self.ahead)]
        for k, i in enumerate(rows):
            within = b.and_(b.icmp_signed(">=", i, start), b.icmp_signed("<", i, stop))
            with b.if_then(within):
                self.row(i, at, room, b.add(place, constant(k)))

    def row(self, i: ir.Value, at: Any, room: ir.Value, slot: ir.Value) -> None:
        """``at(emitter, kept)`` for the elements of a row; ``kept`` is where the room has them."""
        b = self.b
        variables: dict[int, Any] = {}
        offset = b.mul(slot, constant(self.pitch))
        start, stop = constant(0), constant(self.lane.size)
        if self.flat:
            start = b.mul(i, constant(self.length))
            stop = smaller_of(b, b.add(start, constant(self.length)), stop)
            offset = b.sub(offset, start)
        else:
            variables[self.axes[0].name] = i
        kept = b.gep(room, [offset], source_etype=self.t)

        def element(j: ir.Value, w: int, live: int | None = None) -> None:
            at(self.body.emitter(set(), {**variables, self.lane.name: j}, self.lane.name, w, live), kept)

        rest = 0 if self.flat else short(self.lane.size, self.width, self.dtype.itemsize)
        partial = (lambda j: element(j, self.width, rest)) if rest else None
        nest(b, self.axes[1:-1], variables, lambda: vectorized(b, start, stop, self.width, element, partial))

    def compute(self, e: Emitter, kept: ir.Value) -> None:
        """Elements into the room."""
        e.store(e.at(self.x, identity(self.body.program.aval(self.x).shape)), kept, self.inner, self.dtype)

    def retire(self, e: Emitter, kept: ir.Value) -> None:
        """Elements out of the room to their place."""
        at = self.b.gep(kept, [e.scalar(self.inner)], source_etype=self.t)
        raw = self.b.load(at, typ=ir.VectorType(self.t, e.width) if e.width > 1 else self.t, align=self.dtype.itemsize)
        e.store(e.from_memory(raw, self.dtype), self.body.pointer(self.v), self.spot, self.dtype)


def smaller_of(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """The smaller of two numbers."""
    return b.select(b.icmp_signed("<", x, y), x, y)
