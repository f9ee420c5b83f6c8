"""Operands that lie across the rows that are written, in square tiles.

    a + b.T      for each tile: 16 rows of b as vectors, turned in registers, kept, and read row by row

So every cache line of the operand is read once, whole, and rows are computed as vectors as if they lay in order.
Strips of tiles run along the written rows.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

from llvmlite import ir

from tenure.compile.body import ENOUGH, Body, smaller, unravel
from tenure.compile.element_types import in_memory
from tenure.compile.elements import Held
from tenure.compile.index import Affine
from tenure.compile.nests import Axis, constant, counted, stack
from tenure.ir.program import Program

I32, I64 = ir.IntType(32), ir.IntType(64)
Place = tuple[int, Affine]
At = Callable[[dict[int, Any], "int | None", int, Held], None]


class Turn(NamedTuple):
    """Reads whose neighbours lie along the axis ``down``; tiles have ``side`` rows and columns."""

    down: Axis
    places: list[Place]
    side: int


def across(program: Program, axes: list[Axis], places: set[Place], values: list[int]) -> Turn | None:
    """The reads to turn, if there are any: by the axis along which most of them have their neighbours."""
    if len(axes) < 2:
        return None
    lane, found = axes[-1], {}
    for axis in axes[:-1]:
        found[axis] = [p for p in places if crosses(p[1], axis.name, lane.name)]
    down = max(found, key=lambda axis: len(found[axis]))
    if not found[down]:
        return None
    sizes = [program.aval(x).dtype.itemsize for x in [*values, *[x for x, _ in found[down]]]]
    return Turn(down, sorted(found[down], key=repr), 16 if max(sizes) <= 4 else 8)


def crosses(where: Affine, down: int, lane: int) -> bool:
    """Whether neighbours lie along ``down``, in order or the other way round, and not along the lanes."""
    inner = [i for read, _ in where.reads for i in read.index]
    fixed = all(i.coefficient(a) == 0 and not i.reads for i in inner for a in (down, lane))
    return fixed and where.coefficient(down) in (1, -1) and where.coefficient(lane) not in (-1, 0, 1)


def turned(body: Body, axes: list[Axis], turn: Turn, at: At, ahead: int = 0) -> None:
    """The loop nest over all axes in strips of tiles; ``at(variables, lane, width, held)`` computes elements.

    Operands are asked for ``ahead`` tiles before they are needed: no processor foresees such strides.
    """
    b, side, lane, down = body.b, turn.side, axes[-1], turn.down
    outer = [axis for axis in axes[:-1] if axis != down]
    count = prod([axis.size for axis in outer]) * -(-down.size // side)
    tiles = -(-lane.size // side)
    chunk = side * -(-tiles // min(tiles, -(-ENOUGH // count)))
    sizes = [*[axis.size for axis in outer], -(-down.size // side), -(-lane.size // chunk)]
    types = [in_memory(body.program.aval(x).dtype) for x, _ in turn.places]
    rooms = [stack(b, ir.ArrayType(t, side * side)) for t in types]

    def item(i: ir.Value, _: list[Any]) -> list[Any]:
        *counters, row, part = unravel(b, i, sizes)
        variables = dict(zip([axis.name for axis in outer], counters, strict=True))
        first = b.mul(part, constant(chunk))
        strip = Strip(body, turn, lane, rooms, variables, b.mul(row, constant(side)), ahead)
        strip.run(first, smaller(b, b.add(first, constant(chunk)), lane.size), at)
        return []

    first, last = body.claim(prod(sizes))
    counted(b, first, last, 1, item)


class Strip:
    """Tiles side by side, whose rows begin at ``top``."""

    def __init__(
        self,
        body: Body,
        turn: Turn,
        lane: Axis,
        rooms: list[ir.Value],
        variables: dict[int, Any],
        top: ir.Value,
        ahead: int,
    ) -> None:
        self.body, self.b, self.lane = body, body.b, lane
        self.down, self.places, self.side = turn
        self.rooms, self.variables, self.top, self.ahead = rooms, variables, top, ahead
        self.ragged = self.down.size % self.side != 0
        below = self.b.sub(constant(self.down.size), top)
        self.rows = smaller(self.b, below, self.side) if self.ragged else constant(self.side)

    def run(self, first: ir.Value, stop: ir.Value, at: At) -> None:
        """The columns from ``first``, a multiple of the side, to ``stop``."""
        b, rest = self.b, self.lane.size % self.side
        whole = b.sub(stop, b.urem(stop, constant(self.side)))

        def tile(j: ir.Value, _: list[Any]) -> list[Any]:
            self.tile(j, self.side, at)
            return []

        counted(b, first, whole, self.side, tile)
        if rest:
            with b.if_then(b.icmp_signed("<", whole, stop)):
                self.tile(whole, rest, at)

    def tile(self, left: ir.Value, columns: int, at: At) -> None:
        """Turn the operands' tiles, then compute row by row; a narrow tile element by element."""
        b, down, lane = self.b, self.down.name, self.lane.name
        for place, room in zip(self.places, self.rooms, strict=True):
            self.turn(place, room, left, columns)

        def row(p: ir.Value, _: list[Any]) -> list[Any]:
            variables = {**self.variables, down: b.add(self.top, p)}

            def element(q: ir.Value, _: list[Any]) -> list[Any]:
                at({**variables, lane: b.add(left, q)}, lane, 1, self.held(p, q, 1))
                return []

            if columns == self.side:
                at({**variables, lane: left}, lane, self.side, self.held(p, constant(0), self.side))
            else:
                counted(b, constant(0), constant(columns), 1, element)
            return []

        counted(b, constant(0), self.rows, 1, row)

    def held(self, p: ir.Value, q: ir.Value, width: int) -> Held:
        """The operands' elements in row p from column q."""
        b, held = self.b, {}
        for (x, where), room in zip(self.places, self.rooms, strict=True):
            dtype = self.body.program.aval(x).dtype
            t = in_memory(dtype)
            start = b.gep(room, [b.add(b.mul(p, constant(self.side)), q)], source_etype=t)
            raw = b.load(start, typ=ir.VectorType(t, width) if width > 1 else t, align=dtype.itemsize)
            held[x, where] = self.body.emitter(set(), {}, None, width).from_memory(raw, dtype)
        return held

    def turn(self, place: Place, room: ir.Value, left: ir.Value, columns: int) -> None:
        """Fill the room of an operand: what lies beyond its last row is not read."""
        b, (x, where) = self.b, place
        here = {**self.variables, self.down.name: self.top, self.lane.name: left}
        back = where.coefficient(self.down.name) < 0
        start = self.body.emitter(set(), here, None, 1).scalar(where + (1 - self.side) * back)
        t = in_memory(self.body.program.aval(x).dtype)
        stride, wide = where.coefficient(self.lane.name), ir.VectorType(t, self.side)
        addresses = [
            b.gep(self.body.pointer(x), [b.add(start, constant(q * stride))], source_etype=t) for q in range(columns)
        ]

        if self.ahead:
            step = constant(self.ahead * self.side * stride)
            for address in addresses:
                prefetch(b, b.gep(address, [step], source_etype=t))

        e = self.body.emitter(set(), {}, None, self.side)
        steps = ir.Constant(ir.VectorType(I64, self.side), list(range(self.side)))
        # The other way round the rows that there are lie at the end of the lines.
        within = ("<", self.rows) if not back else (">=", b.sub(constant(self.side), self.rows))
        mask = b.icmp_signed(within[0], steps, e.splat(within[1])) if self.ragged else None
        size = self.body.program.aval(x).dtype.itemsize
        lines = [e.masked(a, wide, mask) if mask else b.load(a, typ=wide, align=size) for a in addresses]
        lines += [ir.Constant(wide, ir.Undefined)] * (self.side - columns)
        rows = in_registers(b, lines)
        for p, line in enumerate(reversed(rows) if back else rows):
            b.store(line, b.gep(room, [constant(p * self.side)], source_etype=t))


def prefetch(b: ir.IRBuilder, address: ir.Value) -> None:
    """Ask for a cache line, into the second level: the lines of a tile may be too many for one set of the first."""
    name, pointer = "llvm.prefetch.p0", ir.PointerType()
    signature = ir.FunctionType(ir.VoidType(), [pointer, I32, I32, I32])
    function = b.module.globals.get(name) or ir.Function(b.module, signature, name)
    b.call(function, [address, ir.Constant(I32, 0), ir.Constant(I32, 2), ir.Constant(I32, 1)])


def in_registers(b: ir.IRBuilder, rows: list[ir.Value]) -> list[ir.Value]:
    """The transpose of a square: blocks of 1, 2, 4, … change places with those across the diagonal."""
    side, half = len(rows), 1
    while half < side:
        low = [k if not k & half else side + k - half for k in range(side)]
        high = [k + half if not k & half else side + k for k in range(side)]
        masks = [ir.Constant(ir.VectorType(I32, side), mask) for mask in (low, high)]
        out = list(rows)
        for i in range(side):
            if not i & half:
                pair = rows[i], rows[i + half]
                out[i], out[i + half] = (b.shuffle_vector(*pair, mask) for mask in masks)
        rows, half = out, 2 * half
    return rows
