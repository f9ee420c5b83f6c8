"""Where stored values lie: inputs and outputs in arrays of their own, the rest in one arena, reused when dead.

A written place takes over the buffer of what it was written into, where nobody reads that afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

from tenure.compile.fuse import Plan, instruction
from tenure.ops.lowering import Write

ALIGN = 64


@dataclass(frozen=True)
class Layout:
    """``slots`` are table entries by value: inputs first, then outputs, then arena buffers at ``offsets``.

    ``donors`` maps an output slot to the input whose buffer it may take over at the call.
    """

    slots: dict[int, int]
    outputs: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    arena: int
    donors: dict[int, int]


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
    offsets, arena = arena_offsets(plan, owner, slots, last)
    for k, root in enumerate(offsets):
        slots[root] = n + len(outputs) + k
    full = {v: slots[owner.get(v, v)] for v in plan.stored}
    placed = tuple([(slots[root], at) for root, at in offsets.items()])
    return Layout(full, tuple(outputs), placed, arena, {full[v]: i for v, i in donors.items()})


def last_uses(plan: Plan) -> dict[int, int]:
    """The kernel that reads a stored value last; outputs are read after all."""
    last: dict[int, int] = {}
    for k, kernel in enumerate(plan.kernels):
        for v in [*kernel.reads, *kernel.values]:
            last[v] = k
    for v in plan.program.outputs:
        last[v] = len(plan.kernels)
    return last


def take_over(plan: Plan, last: dict[int, int]) -> tuple[dict[int, int], dict[int, int]]:
    """Which values lie in the buffer of another, by its root; and which may take an input's at the call."""
    program = plan.program
    owner: dict[int, int] = {}
    donors: dict[int, int] = {}
    for k, kernel in enumerate(plan.kernels):
        v = kernel.values[0]
        at = instruction(program, v)
        lower = at.primitive.lower
        if not isinstance(lower, Write) or lower.base is None:
            continue
        base = at.operands[lower.base]
        if base not in plan.stored or last[base] != k or reads_base(plan, v, base, lower):
            continue
        if base < len(program.inputs):
            donors[v] = base
        else:
            owner[v] = owner.get(base, base)
    return owner, donors


def reads_base(plan: Plan, v: int, base: int, lower: Write) -> bool:
    """Whether the written value or its place depends on the base itself."""
    at = instruction(plan.program, v)
    others = [o for k, o in enumerate(at.operands) if k != lower.base]
    if base in others:
        return True
    program, seen = plan.program, set()
    stack = list(others)
    while stack:
        o = stack.pop()
        if o == base:
            return True
        if o in seen or o in plan.stored:
            continue
        seen.add(o)
        stack.extend(instruction(program, o).operands)
    return False


def arena_offsets(
    plan: Plan, owner: dict[int, int], slots: dict[int, int], last: dict[int, int]
) -> tuple[dict[int, int], int]:
    """Offsets of buffers that are alive at once do not overlap: first fit, in the order of birth."""
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
    offsets: dict[int, int] = {}
    top = 0
    for root in sorted(born, key=lambda r: born[r]):
        size = -(-max(program.aval(root).nbytes, 1) // ALIGN) * ALIGN
        busy = sorted(
            (offsets[o], offsets[o] + -(-max(program.aval(o).nbytes, 1) // ALIGN) * ALIGN)
            for o in offsets
            if dies[o] >= born[root]
        )
        at = 0
        for start, end in busy:
            if at + size <= start:
                break
            at = max(at, end)
        offsets[root] = at
        top = max(top, at + size)
    return offsets, top
