"""Bounds checks in generated code, for debugging: every access of a kernel to a stored value.

    %x = load <8 x float>, ptr %p      becomes      %in = icmp ule i64 %offset, 4064
                                                    %q = select i1 %in, ptr %p, ptr @nowhere
                                                    %x = load <8 x float>, ptr %q

``TENURE_DEBUG_BOUNDS=1`` asks for it. What lies outside is not touched; the first access that would have been is
kept in ``@violated``, and ``main`` returns its number, from 1 on, as a negative one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from llvmlite import ir
from llvmlite.ir.instructions import AllocaInstr, CallInstr, CastInstr, GEPInstr, LoadInstr, StoreInstr

from tenure.compile.body import Body
from tenure.compile.element_types import size_of

I1, I64, POINTER = ir.IntType(1), ir.IntType(64), ir.PointerType()
MASKED = {"llvm.masked.load": 1, "llvm.masked.store": 2}
"""Calls that access memory in the lanes of a mask: which operand is the address; the mask is the next one."""
ROOM = 256
"""Bytes of the place that stands in for what lies outside: no access is wider."""


def guard(module: ir.Module, bodies: Iterable[Body]) -> list[str]:
    """Check every access of these kernels to stored values; what each one is, by number."""
    nowhere = variable(module, "nowhere", ir.ArrayType(ir.IntType(8), ROOM))
    violated = variable(module, "violated", I64)
    accesses: list[str] = []
    for body in with_parts(bodies):
        values = {pointer: v for v, pointer in body.pointers.items()}
        for at in [at for block in body.function.blocks for at in block.instructions]:
            place = address_of(at)
            if place is None:
                continue
            start, steps = followed(at.operands[place])
            found = room(body, values, start)
            if found is not None:
                accesses.append(f"an access of {body.function.name} to {found.name}")
                Guard(at, place, steps, found.extent).insert(nowhere, violated, len(accesses))
    return accesses


class Room(NamedTuple):
    """Memory that kernels access: bytes."""

    name: str
    extent: int


def room(body: Body, values: dict[ir.Value, int], start: ir.Value) -> Room | None:
    """The buffer of a stored value, or room on the stack; None for the lists of addresses themselves."""
    if start in values:
        v = values[start]
        if v in body.extents:
            return Room("scratch", body.extents[v])
        aval = body.program.aval(v)
        return Room(f"%{v}, {aval}", aval.size * aval.dtype.itemsize)
    if isinstance(start, AllocaInstr) and isinstance(start.allocated_type, ir.ArrayType):
        t = start.allocated_type
        return None if isinstance(t.element, ir.PointerType) else Room("scratch", t.count * size_of(t.element))
    return None


def with_parts(bodies: Iterable[Body]) -> Iterator[Body]:
    """Functions, and those that they call."""
    for body in bodies:
        yield body
        yield from with_parts(body.parts)


def variable(module: ir.Module, name: str, t: ir.Type) -> ir.GlobalVariable:
    """A zero in the module's data."""
    made = ir.GlobalVariable(module, t, name)
    made.initializer = ir.Constant(t, None)
    made.linkage = "internal"
    made.align = ROOM
    return made


def address_of(at: ir.Instruction) -> int | None:
    """The operand of an instruction that is the address it accesses."""
    if isinstance(at, LoadInstr):
        return 0
    if isinstance(at, StoreInstr):
        return 1
    if isinstance(at, CallInstr):
        return next((k for name, k in MASKED.items() if at.callee.name.startswith(name)), None)
    return None


def followed(address: ir.Value) -> tuple[ir.Value, list[tuple[ir.Value, int]]]:
    """The start of an address, and the steps from there: a number and what it counts, in bytes."""
    steps: list[tuple[ir.Value, int]] = []
    while isinstance(address, GEPInstr | CastInstr):
        if isinstance(address, GEPInstr):
            steps.append((address.indices[0], size_of(address.source_etype)))
        address = address.operands[0]
    return address, steps


def outcome(b: ir.IRBuilder) -> ir.Value:
    """The result of ``main`` when all kernels have run: 0, or minus the access that was out of bounds."""
    violated = b.module.globals["violated"]
    number = b.load(violated, typ=I64)
    b.store(ir.Constant(I64, 0), violated)
    return b.neg(number)


class Guard:
    """The check of one access: ``steps`` from the start of a buffer of ``extent`` bytes."""

    def __init__(self, at: ir.Instruction, place: int, steps: list[tuple[ir.Value, int]], extent: int) -> None:
        self.at, self.place, self.steps, self.extent = at, place, steps, extent
        self.b = ir.IRBuilder(at.parent)
        self.b.position_before(at)

    def insert(self, nowhere: ir.Value, violated: ir.Value, number: int) -> None:
        """In front of the access, which then goes nowhere if it is out of bounds."""
        b, inside = self.b, self.inside()
        before = b.load(violated, typ=I64)
        b.store(b.select(inside, before, ir.Constant(I64, number)), violated)
        operands = list(self.at.operands)
        operands[self.place] = b.select(inside, operands[self.place], nowhere)
        self.at.operands = operands

    def inside(self) -> ir.Value:
        """Whether all that is accessed lies in the buffer."""
        b, offset = self.b, ir.Constant(I64, 0)
        for index, size in self.steps:
            offset = b.add(offset, b.mul(index, ir.Constant(I64, size)))
        if not isinstance(self.at, CallInstr):
            moved = self.at.type if isinstance(self.at, LoadInstr) else self.at.operands[0].type
            most = self.extent - size_of(moved)
            return b.icmp_unsigned("<=", offset, ir.Constant(I64, most)) if most >= 0 else ir.Constant(I1, 0)
        return b.not_(self.outside(offset, self.at.operands[self.place + 1]))

    def outside(self, offset: ir.Value, mask: ir.Value) -> ir.Value:
        """Whether a lane that a mask selects lies outside."""
        b, lanes = self.b, mask.type.count
        moved = self.at.operands[1].type if self.at.type == ir.VoidType() else self.at.type
        size, beyond = size_of(moved.element), ir.Constant(I1, 0)
        for k in range(lanes):
            at = b.add(offset, ir.Constant(I64, k * size))
            out = b.icmp_unsigned(">", at, ir.Constant(I64, self.extent - size))
            if self.extent >= size:
                out = b.and_(out, b.extract_element(mask, ir.Constant(ir.IntType(32), k)))
            else:
                out = b.extract_element(mask, ir.Constant(ir.IntType(32), k))
            beyond = b.or_(beyond, out)
        return beyond
