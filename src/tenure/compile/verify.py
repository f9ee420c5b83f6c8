"""Verifiers: what each form of the compiler may rely on and must keep, one for each form.

A plan is followed once more: what its kernels read must be what they say they read, computed before, and checked
before it serves as an index. A layout keeps values apart that are alive at once. Loops call each kernel once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import singledispatch
from typing import Any

from llvmlite import ir

from tenure.compile.body import Body
from tenure.compile.deduplicate import localize
from tenure.compile.index import Affine, Index, Read
from tenure.compile.loops import Loops
from tenure.compile.memory import ALIGN, Layout, last_uses, reusable
from tenure.compile.parallelize import threaded
from tenure.compile.plan import Kernel, Plan, instruction
from tenure.compile.ranges import bounds_of, reads_by, source
from tenure.compile.schedule import reduces
from tenure.compile.stored import Follower
from tenure.errors import InternalError, following
from tenure.ir.kind import Role
from tenure.ir.program import Program
from tenure.ir.verify import verify


@singledispatch
def verify_form(form: Any) -> None:
    """InternalError unless a form keeps what the next pass relies on."""
    raise InternalError(f"the compiler has no form {type(form).__name__}")


@verify_form.register
def _(form: Program) -> None:
    verify(form)


@verify_form.register
def _(form: Plan) -> None:
    verify(form.program)
    verify_kernels(form)
    verify_indices(form.program)
    verify_reads(form)


@verify_form.register
def _(form: Layout) -> None:
    verify_slots(form)
    verify_lifetimes(form)


@verify_form.register
def _(form: Loops) -> None:
    kernels = len(form.layout.plan.kernels)
    if len(form.calls) != kernels:
        raise InternalError(f"{len(form.calls)} calls for {kernels} kernels")
    verify_calls(form)


@verify_form.register
def _(form: ir.Module) -> None:
    """LLVM has a verifier of its own, which runs wherever a module is compiled."""


# -- plans


def verify_calls(form: Loops) -> None:
    """Each call is of the function of its kernel, with the buffers of that, and shared out as was decided."""
    plan, bodies = form.layout.plan, dict[tuple[str, bool], Body]()
    for k, (kernel, call, shared) in enumerate(zip(plan.kernels, form.calls, form.shared, strict=True)):
        local, alone = localize(plan, kernel, form.layout.slots), threaded(plan, kernel)
        if call.entries != local.entries:
            raise InternalError(f"kernel {k} is called with the buffers {call.entries}, not {local.entries}")
        if call.shared != (shared and not alone and not call.body.parts):
            raise InternalError(f"kernel {k} is shared out otherwise than was decided")
        if bodies.setdefault((local.key, alone and shared), call.body) is not call.body or call.body.kernel is None:
            raise InternalError(f"kernel {k} is not called by the function of equal kernels")
        if localize(plan, call.body.kernel, form.layout.slots).key != local.key:
            raise InternalError(f"kernel {k} is called by the function of another kernel")


def verify_kernels(plan: Plan) -> None:
    """Each stored value is computed by one kernel, and each output is stored."""
    homes = dict[int, int]()
    for k, kernel in enumerate(plan.kernels):
        if not set(kernel.values) <= kernel.members.keys():
            raise InternalError(f"kernel {k} stores what it does not compute")
        for v in kernel.members:
            if v in homes:
                raise InternalError(f"%{v} is computed by kernels {homes[v]} and {k}")
            homes[v] = k
        if set(kernel.values) != kernel.members.keys() & plan.stored:
            raise InternalError(f"kernel {k} stores other values than those of its that are stored")
    given = {*range(len(plan.program.inputs)), *plan.subviews}
    for v in plan.stored | set(plan.program.outputs):
        if v not in given and (v not in homes or v not in plan.stored):
            raise InternalError(f"%{v} is to be stored, and no kernel does")


def verify_reads(plan: Plan) -> None:
    """A kernel reads what it says it reads, which earlier kernels have stored; so are the values whose range is checked
    before something is read or written by them."""
    program = plan.program
    known = {*range(len(program.inputs)), *plan.subviews}
    for k, kernel in enumerate(plan.kernels):
        reads, computed, forms = followed(plan, kernel)
        places = {source(program, r.value) for form in forms for r in runtime_parts(form)}
        for v in sorted(reads):
            if v not in kernel.reads:
                raise InternalError(f"kernel {k} reads %{v} and does not say so")
            if v not in known:
                raise InternalError(f"kernel {k} reads %{v}, which is not stored before it")
        for v in sorted(computed):
            at = instruction(program, v)
            for bound in bounds_of(program, at) if reads_by(at) else ():
                serves = at.primitive.traits.indices is None or source(program, bound.value) in places
                if serves and bound.value not in known:
                    raise InternalError(f"kernel {k} computes %{v} by %{bound.value}, which is not checked before it")
        known.update(kernel.values)


def followed(plan: Plan, kernel: Kernel) -> tuple[set[int], set[int], set[Affine]]:
    """The stored values that following a kernel's members finds it to read, the values that it computes, and the
    addresses that it meets."""
    reads, computed, forms = set[int](), set(kernel.members), set[Affine]()
    stored = plan.stored | kernel.members.keys()
    for v, member in kernel.members.items():
        t = Follower(plan.program, stored)
        if kernel.domain is None or member.role is Role.ALONE:
            t.follow(v)
        else:
            t.stored = stored - {v}
            t.at(instruction(plan.program, v).operands[0] if reduces(member.role) else v, member.at)
        reads |= t.reads
        forms |= set(t.forms)
        computed.update([x for x, _ in t.memo if x not in stored])
    return reads - kernel.members.keys(), computed, forms


def runtime_parts(form: Affine) -> Iterator[Read]:
    """The elements of values that an address is made of."""
    for read, _ in form.reads:
        yield read
        for inner in read.index:
            yield from runtime_parts(inner)


def verify_indices(program: Program) -> None:
    """An operand that is part of an index is declared as one, or a number that was checked where it was recorded; its
    elements alone are an index, of the axis and the size declared, and counted from the end by that size."""
    for v, at in enumerate(program.instructions, len(program.inputs)):
        avals = [program.aval(o) for o in at.operands]
        indices = at.primitive.traits.indices
        declared = [(at.operands[w.operand], w) for w in indices(*avals, **at.params)] if indices is not None else []
        known, found = {o for o, _ in declared}, IndexReads(program, v)
        for o in found.indices & set(at.operands) - known:
            if program.aval(o).ndim:
                raise InternalError(f"{at.primitive} reads by %{o}, which it does not declare as an operand of indices")
        for axis, size, form in found.landings:
            for read, _ in form.reads:
                fits = [w for o, w in declared if o == read.value and w.size == size and axis in (w.axis, None)]
                if read.value in known and not (fits and form == Affine(reads=((replace(read, wrap=size), 1),))):
                    raise InternalError(
                        f"{at.primitive} takes %{read.value} with {read.wrap} from the end, in the index {form}, along "
                        f"axis {axis} of size {size}, and declares {[w for o, w in declared if o == read.value]}"
                    )


Landing = tuple[int | None, int, Affine]
"""An axis (None: not known), its size, and the position along it."""


class IndexReads(Follower):
    """The values that the rule of one instruction makes part of an index, and the axes where those with such a part
    are used."""

    def __init__(self, program: Program, v: int) -> None:
        super().__init__(program, range(len(program.inputs) + len(program.instructions)))
        self.indices = set[int]()
        self.landings = list[Landing]()
        self.follow(v)

    def read(self, x: int, index: Index, wrap: int = 0) -> Affine:
        self.indices.add(x)
        return super().read(x, index, wrap)

    def at(self, x: int, index: Any) -> Any:
        if isinstance(index, tuple):
            self.land(index, self.shape(x))
        return super().at(x, index)

    def into(self, v: int, index: Index) -> None:
        self.land(index, self.shape(v))
        super().into(v, index)

    def coincide(self, i: Affine, j: Affine, size: int, itemsize: int) -> None:
        self.landings += [(None, size, i), (None, size, j)]
        super().coincide(i, j, size, itemsize)

    def land(self, index: Index, shape: tuple[int, ...]) -> None:
        """Note the positions along the axes of an array."""
        self.landings += [(axis, size, i) for axis, (size, i) in enumerate(zip(shape, index, strict=True))]


# -- layouts


def verify_slots(layout: Layout) -> None:
    """Every stored value has a place, every output one of its own, and inputs are given away after their last use."""
    plan = layout.plan
    n, count = len(plan.program.inputs), len(layout.outputs)
    missing = plan.stored - layout.slots.keys()
    if missing:
        raise InternalError(f"%{min(missing)} is stored, and has no place")
    made = [layout.slots[v] for v in dict.fromkeys(plan.program.outputs) if v >= n]
    if sorted(made) != list(range(n, n + count)):
        raise InternalError(f"the outputs lie in the entries {made}, not in {count} of their own")
    rooms = Rooms(layout)
    for v in (*plan.stored, *layout.rooms):
        array, start, end = rooms.of(v)
        if array == ARENA and (start < 0 or start % ALIGN or end > layout.arena):
            raise InternalError(f"%{v} lies at byte {start} to {end} of an arena of {layout.arena}")
    last, stores = last_uses(plan), [[layout.slots[v] for v in kernel.values] for kernel in plan.kernels]
    for slot, x in layout.donors:
        first = following(k for k, slots in enumerate(stores) if slot in slots)
        if last.get(x, 0) > first:
            raise InternalError(f"kernel {last[x]} reads input {x}, which was given away at kernel {first}")


def verify_lifetimes(layout: Layout) -> None:
    """No value is written where one lies that is read later, or by the same kernel at other places."""
    plan, last, rooms = layout.plan, last_uses(layout.plan), Rooms(layout)
    live: dict[int, Room] = {}
    for k, kernel in enumerate(plan.kernels):
        live = {x: room for x, room in live.items() if last[x] >= k}
        free, written = reusable(plan, kernel), dict[int, Room]()
        for v in [*kernel.values, *[~v for v in kernel.values if ~v in layout.rooms]]:
            room = rooms.of(v)
            for x, other in live.items():
                if overlap(room, other) and (last[x] > k or x not in free.get(v, ())):
                    raise InternalError(f"kernel {k} writes %{v} where %{x} lies, which kernel {last[x]} reads")
            if any(overlap(room, other) for other in written.values()):
                raise InternalError(f"kernel {k} writes %{v} where it writes another value")
            written[v] = room
        live |= {v: room for v, room in written.items() if v >= 0}


Room = tuple[int, int, int]
ARENA = -1


class Rooms:
    """The bytes of values: array, first byte, end. The arena is array −1."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.offsets = layout, dict(layout.offsets)

    def of(self, v: int) -> Room:
        """The room of one value."""
        slot, size = self.layout.slots[v], self.layout.size(v)
        start = self.offsets.get(slot)
        return (slot, 0, size) if start is None else (ARENA, start, start + size)


def overlap(x: Room, y: Room) -> bool:
    """Whether two rooms have a byte in common."""
    return x[0] == y[0] and x[1] < y[2] and y[1] < x[2]
