"""Large values that are cheap to compute are computed once more where they are read late, not kept until then.

    k0: e = exp x; s = reduce_sum e; p = e / s; y = f p            k0: e = exp x; s = reduce_sum e; p = e / s; y = f p
    …   the arena is fullest here: e, p, s and more      becomes   …   e, s and more
    k9: z = g p e                                                  k9: q = e / s; z = g q e

A value is remade from what is kept anyway, or small, by few operations. The copy makes the same bits. Its kernel begins
where it is read; most often it is computed inside the kernel that reads it.
"""

from __future__ import annotations

from tenure.compile.fuse import fuse
from tenure.compile.memory import ALIGN, last_uses, plan_memory
from tenure.compile.plan import Plan, instruction
from tenure.ir.program import Builder, Program, Value

LARGE = 32 << 20
"""Bytes of an arena from which it is looked over."""
ROUNDS = 3
GAIN = 0.95
PART = 64
"""A value counts from this part of the arena on; below it what it is made of may be kept for it."""
OPERATIONS, FUNCTIONS = 16, 1
"""Of which a copy is made, elementary functions among them."""


def rematerialize(plan: Plan) -> Plan:
    """Kernels in which values are computed once more as long as the arena gets smaller by it."""
    if sum([plan.program.aval(v).nbytes + ALIGN for kernel in plan.kernels for v in kernel.values]) < LARGE:
        return plan
    arena = plan_memory(plan).arena
    for _ in range(ROUNDS):
        found = Copies(plan).program() if arena >= LARGE else None
        if found is None:
            break
        other = fuse(*found)
        smaller = plan_memory(other).arena
        if smaller > GAIN * arena:
            break
        plan, arena = other, smaller
    return plan


class Copies:
    """The program of a plan, with what is large where the arena is fullest read from copies afterwards."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.old = plan.program
        self.home = {v: k for k, kernel in enumerate(plan.kernels) for v in kernel.members}
        self.last = last_uses(plan)
        self.peak, most = self.fullest()
        self.large = most // PART
        self.dropped = self.droppable()

    def fullest(self) -> tuple[int, int]:
        """The kernel while which most bytes are alive, and how many."""
        n, change = len(self.old.inputs), [0] * (len(self.plan.kernels) + 2)
        for v, k in self.home.items():
            if v in self.plan.stored and v >= n and v not in self.old.outputs:
                change[k] += self.old.aval(v).nbytes
                change[self.last[v] + 1] -= self.old.aval(v).nbytes
        alive = [0]
        for c in change:
            alive.append(alive[-1] + c)
        most = max(alive)
        return alive.index(most) - 1, most

    def droppable(self) -> set[int]:
        """Values over the fullest place that can be remade behind it."""
        found = set[int]()
        for v in sorted(self.home):
            over = v in self.plan.stored and self.home[v] < self.peak <= self.last[v] < len(self.plan.kernels)
            if over and self.old.aval(v).nbytes >= self.large and self.cheap(v, found):
                found.add(v)
        return found

    def cheap(self, v: int, dropped: set[int]) -> bool:
        """Whether few operations make a value from what is kept as long as it is, or is small."""
        pending, seen, functions = [v], set[int](), 0
        while pending:
            u = pending.pop()
            if u in seen or u < len(self.old.inputs):
                continue
            kept = u in self.plan.stored and u not in dropped and u != v
            if kept and (self.last[u] >= self.last[v] or self.old.aval(u).nbytes < self.large):
                continue
            seen.add(u)
            at = instruction(self.old, u)
            if not at.primitive.lower.inline:
                return False
            functions += at.primitive.lower.heavy
            pending.extend(at.operands)
        return len(seen) <= OPERATIONS and functions <= FUNCTIONS

    def program(self) -> tuple[Program, set[int]] | None:
        """The program with the copies, and which values they are; None if there is nothing to remake."""
        if not self.dropped:
            return None
        b, n = Builder(), len(self.old.inputs)
        early = {v: b.input(aval).id for v, aval in enumerate(self.old.inputs)}
        late: dict[int, int] = {}
        copies = set[int]()

        def emit(v: int, operands: list[int]) -> int:
            at = instruction(self.old, v)
            b.origin = at.origin
            return b.emit(at.primitive, [Value(b, o) for o in operands], at.params).id

        def behind(v: int) -> int:
            """The substitute of a value in kernels from the fullest place on."""
            if v < n or (v in self.plan.stored and v not in self.dropped) or self.home.get(v, -1) >= self.peak:
                return early[v]
            if v not in late:
                late[v] = emit(v, [behind(o) for o in instruction(self.old, v).operands])
                copies.add(late[v])
            return late[v]

        for v, at in enumerate(self.old.instructions, n):
            read = behind if self.home.get(v, -1) >= self.peak else early.__getitem__
            early[v] = emit(v, [read(o) for o in at.operands])
        outputs = [early[v] for v in self.old.outputs]
        needed = b.needed(outputs, set(range(n)))
        return b.extract(range(n), outputs), {n + k for k, v in enumerate(needed) if v in copies}
