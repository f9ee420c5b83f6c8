"""The memory plan of stored values: inputs and outputs in arrays of their own, the rest in one arena, reused when dead.

A written place takes over the buffer of what it was written into, and an elementwise result that of an operand it
reads element for element, where nobody reads those afterwards.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, field
from heapq import heappop, heappush

from tenure.compile.index import Affine, address
from tenure.compile.plan import Kernel, Plan, identity, instruction
from tenure.compile.ranges import bounds_of
from tenure.compile.stencil import entangled, stencil
from tenure.compile.symbolic import Except, Tracer, unmerged
from tenure.errors import following
from tenure.ir.aval import Aval
from tenure.ir.kind import Role

ALIGN = 64
LARGE, MANY = 1 << 20, 1000
"""Bytes from which it is worth to look for the better of two layouts, and buffers up to which."""


@dataclass(frozen=True)
class Layout:
    """The memory plan: buffers of the stored values of a plan.

    ``slots`` are table entries by value: inputs first, then outputs, then places of the arena at ``offsets``. The room
    that computing value v needs is value ~v, of which ``rooms`` has the bytes.

    ``subviews`` are entries that lie in those of inputs: slot, the input's, and by how many bytes it begins later.
    ``donors`` are pairs of an output slot and an input whose array it may be at the call.
    """

    plan: Plan
    slots: dict[int, int]
    outputs: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    subviews: tuple[tuple[int, int, int], ...]
    arena: int
    donors: tuple[tuple[int, int], ...]
    rooms: dict[int, int] = field(default_factory=dict)

    def size(self, v: int) -> int:
        """The bytes of a value or a room."""
        return self.rooms[v] if v < 0 else max(self.plan.program.aval(v).nbytes, 1)

    def __str__(self) -> str:
        inputs, offsets = len(self.plan.program.inputs), dict(self.offsets)
        subviews = {slot: f"input {x} from byte {start}" for slot, x, start in self.subviews}
        lines = []
        for v, slot in sorted(self.slots.items()):
            what = f"input {slot}" if slot < inputs else f"output {slot - inputs}"
            what = f"arena from byte {offsets[slot]}" if slot in offsets else subviews.get(slot, what)
            name, size = (f"%{v}", self.plan.program.aval(v).nbytes) if v >= 0 else (f"room of %{~v}", self.rooms[v])
            lines.append(f"{name}, {size} bytes: {what}")
        lines += [f"output {slot - inputs} takes over input {x} if it can" for slot, x in self.donors]
        return "\n".join([*lines, f"arena: {self.arena} bytes"])


def plan_memory(plan: Plan) -> Layout:
    """Assign buffers."""
    program = plan.program
    n = len(program.inputs)
    last = last_uses(plan)
    owner, donors = take_over(plan, last)
    slots: dict[int, int] = {v: v for v in range(n)}
    outputs: list[int] = []
    for v in program.outputs:
        if v >= n and owner.get(v, v) not in slots:
            slots[owner.get(v, v)] = n + len(outputs)
            outputs.append(v)
    rooms = rooms_of(plan)
    offsets, arena = arena_offsets(plan, owner, slots, last, rooms)
    places = {at: n + len(outputs) + k for k, at in enumerate(dict.fromkeys(offsets.values()))}
    slots.update({root: places[at] for root, at in offsets.items()})
    taken = n + len(outputs) + len(places)
    slots.update({v: taken + k for k, v in enumerate(plan.subviews)})
    full = {v: slots[owner.get(v, v)] for v in (*plan.stored, *rooms)}
    placed = tuple([(slot, at) for at, slot in places.items()])
    made = {slots[owner.get(v, v)]: program.aval(v) for v in outputs}
    lent = tuple([(full[v], x) for v, x in donors if made.get(full[v]) == program.aval(x)])
    subviews = tuple([(slots[v], x, start) for v, (x, start) in plan.subviews.items()])
    return Layout(plan, full, tuple(outputs), placed, subviews, arena, lent, rooms)


def rooms_of(plan: Plan) -> dict[int, int]:
    """The bytes of the rooms that kernels need."""
    program, found = plan.program, dict[int, int]()
    for kernel in plan.kernels:
        for v in kernel.values:
            at = instruction(program, v)
            size = at.primitive.lower.room(at.aval, [program.aval(o) for o in at.operands], at.params)
            if size:
                found[~v] = size
    return found


def last_uses(plan: Plan) -> dict[int, int]:
    """The kernel that reads a stored value last; outputs are read after all, and subviews and their inputs kept."""
    last: dict[int, int] = {}
    for k, kernel in enumerate(plan.kernels):
        for v in [*kernel.reads, *kernel.values]:
            last[v] = k
    for v in [*plan.program.outputs, *plan.subviews, *[x for x, _ in plan.subviews.values()]]:
        last[v] = len(plan.kernels)
    return last


def take_over(plan: Plan, last: dict[int, int]) -> tuple[dict[int, int], list[tuple[int, int]]]:
    """The values that lie in the buffer of another, by its root; and those that may take an input's at the call.

    An output rather takes an input's buffer, which spares an array, than one of the arena.
    """
    program = plan.program
    owner: dict[int, int] = {}
    donors: list[tuple[int, int]] = []
    checked = last_check(plan)
    for k, kernel in enumerate(plan.kernels):
        taken: set[int] = set()
        for v, found in reversed(reusable(plan, kernel).items()):
            dead = [x for x in found if last[x] == k]
            if len(dead) > 1:
                dead.sort(key=read_order(plan, kernel, v).index)
            given = [x for x in dead if x < len(program.inputs) and k > checked and program.aval(x).ndim]
            roots = [owner.get(x, x) for x in dead if x >= len(program.inputs)]
            free = [r for r in roots if r not in taken]
            if free and not (given and v in program.outputs):
                owner[v] = free[0]
                taken.add(free[0])
            else:
                lent = [x for x in given if x not in taken][: 1 if len(kernel.values) > 1 else None]
                donors += [(v, x) for x in lent]
                taken.update(lent)
    return owner, donors


def read_order(plan: Plan, kernel: Kernel, v: int) -> list[int]:
    """The stored values that a value is computed from, as it is written, and then the other ones that its kernel reads.

    The first is likeliest to be free at the call: ``p - lr * g`` and ``beta * m + rest * g`` are the next p and m.
    """
    program, pending, seen, found = plan.program, [v], set[int](), []
    while pending:
        x = pending.pop()
        if x in seen:
            continue
        seen.add(x)
        if x < len(program.inputs) or (x in plan.stored and x not in kernel.values):
            found.append(x)
        else:
            pending += reversed(instruction(program, x).operands)
    return [*found, *sorted(kernel.reads - set(found))]


def last_check(plan: Plan) -> int:
    """The kernel after which indices are checked for the last time; a failed check finds all inputs as they were."""
    home = {v: k for k, kernel in enumerate(plan.kernels) for v in kernel.values}
    bounds = [bound for at in plan.program.instructions for bound in bounds_of(plan.program, at)]
    return max([home.get(bound.value, -1) for bound in bounds], default=-1)


def reusable(plan: Plan, kernel: Kernel) -> dict[int, list[int]]:
    """For each value of a kernel, the stored ones whose buffers it may lie in if they are dead afterwards."""
    v = kernel.values[0]
    at = instruction(plan.program, v)
    lower = at.primitive.lower
    if lower.base is not None:
        base = at.operands[lower.base]
        free = not entangled(plan.program, plan.stored, v) or stencil(plan.program, plan.stored, v) is not None
        return {v: [base] if base in plan.stored and free else []}
    if lower.inline and kernel.domain is None:
        return same_places(plan, kernel)
    return {} if kernel.domain is None else same_rows(plan, kernel)


def same_places(plan: Plan, kernel: Kernel) -> dict[int, list[int]]:
    """The values that an elementwise kernel reads only where it writes: element for element, of one size."""
    program, values, made = plan.program, kernel.values, seen_as(plan, kernel)
    shape = program.aval(made[values[0]]).shape
    index, t = identity(shape), Tracer(program, Except(plan.stored, values))
    for x in made.values():
        t.at(x, index)
    places: dict[int, set[Affine]] = {}
    for x, where in t.places:
        places.setdefault(x, set()).add(where)
    own = {address(index, shape)}
    steady = [x for x, found in sorted(places.items()) if found == own]
    return {v: [x for x in steady if alike(program.aval(x), program.aval(v))] for v in values}


def seen_as(plan: Plan, kernel: Kernel) -> dict[int, int]:
    """The value that the loop nest of an elementwise kernel computes for each member: itself, or one of other shape."""
    if len(kernel.members) > 1:
        return {v: v for v in kernel.members}
    return {v: unmerged(plan.program, plan.stored, v) for v in kernel.members}


def same_rows(plan: Plan, kernel: Kernel) -> dict[int, list[int]]:
    """The values that a row kernel reads only where it writes, and in no pass after the one that writes."""
    program, members = plan.program, kernel.members
    assert kernel.domain is not None
    shape = kernel.domain.shape
    own = address(identity(shape), shape)
    places: dict[int, set[Affine]] = {}
    read: dict[int, int] = {}
    for v, m in members.items():
        t = Tracer(program, Except(plan.stored, (v,), members))
        fold = m.role in (Role.FOLD, Role.COLUMN)
        t.at(instruction(program, v).operands[0] if fold else v, m.at)
        for x, where in t.places:
            places.setdefault(x, set()).add(where)
            read[x] = max(read.get(x, 0), m.phase)
    steady = [x for x, found in sorted(places.items()) if found == {own} and x not in members]
    return {
        v: [x for x in steady if read[x] <= m.phase and alike(program.aval(x), program.aval(v))]
        for v, m in members.items()
        if v in kernel.values and m.role is Role.ROW
    }


def alike(x: Aval, y: Aval) -> bool:
    """Whether elements of one lie where those of the other do."""
    return x.size == y.size and x.dtype.itemsize == y.dtype.itemsize


def arena_offsets(
    plan: Plan, owner: dict[int, int], slots: dict[int, int], last: dict[int, int], rooms: dict[int, int]
) -> tuple[dict[int, int], int]:
    """Offsets of buffers that are alive at once do not overlap: first fit by birth, or the largest first."""
    program = plan.program
    born: dict[int, int] = {}
    dies: dict[int, int] = {}
    for k, kernel in enumerate(plan.kernels):
        for v in kernel.values:
            root = owner.get(v, v)
            if root in slots:
                continue
            born.setdefault(root, k)
            dies[root] = max(dies.get(root, 0), last[v])
        for v in kernel.values:
            if ~v in rooms:
                born[~v] = dies[~v] = k
    sizes = {r: -(-(rooms[r] if r < 0 else max(program.aval(r).nbytes, 1)) // ALIGN) * ALIGN for r in born}
    found = [by_birth(sizes, born, dies)]
    if sum(sizes.values()) > LARGE and len(sizes) <= MANY:
        found.append(by_size(sizes, born, dies))
    return min(found, key=lambda layout: layout[1])


def by_birth(sizes: dict[int, int], born: dict[int, int], dies: dict[int, int]) -> tuple[dict[int, int], int]:
    """Each buffer in the lowest hole that takes it when it is born; and where the last ends."""
    offsets: dict[int, int] = {}
    living: list[tuple[int, int]] = []
    holes = [(0, sum(sizes.values()))]
    for root in sorted(sizes, key=lambda r: born[r]):
        while living and living[0][0] < born[root]:
            dead = heappop(living)[1]
            release(holes, offsets[dead], offsets[dead] + sizes[dead])
        k = following(k for k, (start, end) in enumerate(holes) if end - start >= sizes[root])
        start, end = holes[k]
        holes[k : k + 1] = [(start + sizes[root], end)] if end - start > sizes[root] else []
        offsets[root] = start
        heappush(living, (dies[root], root))
    return offsets, max([at + sizes[r] for r, at in offsets.items()], default=0)


def release(holes: list[tuple[int, int]], start: int, end: int) -> None:
    """Add a hole to those in order, joined with its neighbours."""
    k = bisect(holes, (start, end))
    last = k
    if k < len(holes) and holes[k][0] == end:
        end, last = holes[k][1], k + 1
    if k and holes[k - 1][1] == start:
        start, k = holes[k - 1][0], k - 1
    holes[k:last] = [(start, end)]


def by_size(sizes: dict[int, int], born: dict[int, int], dies: dict[int, int]) -> tuple[dict[int, int], int]:
    """The largest buffers first, each at the lowest offset where nothing lies that lives at the same time."""
    offsets: dict[int, int] = {}
    for root in sorted(sizes, key=lambda r: sizes[r], reverse=True):
        at = 0
        for start, end in sorted(
            [(x, x + sizes[o]) for o, x in offsets.items() if dies[o] >= born[root] and born[o] <= dies[root]]
        ):
            if at + sizes[root] <= start:
                break
            at = max(at, end)
        offsets[root] = at
    return offsets, max([at + sizes[r] for r, at in offsets.items()], default=0)
