"""Parallelization: the kernels that are shared out over the threads.

    k0: p = matmul x w      one thread: what two threads save is less than fetching p would take
    k1: y = tanh (p + b)    one thread, where p lies
    k2: z = reduce_sum e    both: e came in

What a thread has written lies in its own cache, and another takes longer to fetch it from there than most kernels take
to compute with it. So a kernel is shared out if that makes up for the fetching: of half of each buffer that the first
thread alone has written. A kernel of one thread fetches half of what all have written. What comes in, goes out, or is
too large for a cache, lies anywhere. The arena lies with all from the last run only if that is clearly better.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from tenure.compile.body import Body, is_large
from tenure.compile.memory import Layout
from tenure.compile.plan import Kernel, Plan, instruction
from tenure.ir.kind import Role

FORK = 2000.0
"""Nanoseconds that a region takes beyond its work."""
FETCH = 15.0
"""Nanoseconds to fetch a cache line that another thread has written, from another group of cores."""
LINE = 64
CACHED = 1 << 18
"""Bytes of a value up to which it stays in the cache of who wrote it."""
CLEARLY = 0.9
NUMBER, FUNCTION, PASS, TERM = 0.035, 0.25, 10.0, 0.02
"""Nanoseconds of one thread for a number read or written, for an elementary function, for a pass over a row beside
its numbers, and for a term of a product."""


def parallelize(layout: Layout, bodies: Sequence[Body | None]) -> tuple[list[bool], list[float]]:
    """For each kernel of a plan, of which ``bodies`` are the loops, whether to share it out; and the nanoseconds that
    it takes one thread."""
    found = Times(layout, bodies)
    (gathered, few), (spread, many) = found.walk(False), found.walk(True)
    return many if spread < CLEARLY * gathered else few, found.times


class Times:
    """Times of the kernels of a plan, on one thread and on several."""

    def __init__(self, layout: Layout, bodies: Sequence[Body | None]) -> None:
        self.plan = plan = layout.plan
        self.program = plan.program
        self.slots = layout.slots
        self.arena = [slot for slot, _ in layout.offsets]
        self.bodies = bodies
        self.times = [self.alone(kernel, body) for kernel, body in zip(plan.kernels, bodies, strict=True)]

    def alone(self, kernel: Kernel, body: Body | None) -> float:
        """Nanoseconds that a kernel takes one thread."""
        if body is None:
            at = instruction(self.program, kernel.values[0])
            return TERM * at.primitive.lower.terms(at.aval, [self.program.aval(o) for o in at.operands])
        return NUMBER * body.work + FUNCTION * self.functions(kernel) + PASS * self.passes(kernel)

    def walk(self, spread: bool) -> tuple[float, list[bool]]:
        """Decide for one kernel after the other; the time of all. ``spread``: who has written the arena before."""
        written = dict.fromkeys(self.arena, spread)
        total, out = 0.0, []
        for kernel, body, alone in zip(self.plan.kernels, self.bodies, self.times, strict=True):
            fetched = self.fetched(kernel, written)
            together = alone / 2 + FORK + fetched[False]
            alone += fetched[True]
            if body is not None and body.parts:  # they are shared out one by one
                found = any(is_large(part) for part in body.parts)
            else:
                found = (body is None or body.items > 1) and together < alone
            total += together if found else alone
            out.append(found)
            written.update({self.slots[v]: found for v in kernel.values})
        return total, out

    def fetched(self, kernel: Kernel, written: dict[int, bool]) -> dict[bool, float]:
        """Nanoseconds to fetch half of the buffers that the first thread, and that all threads, have written."""
        out = {False: 0.0, True: 0.0}
        sizes: dict[int, int] = {}
        for v in [*kernel.reads, *kernel.values]:
            sizes[self.slots[v]] = max(self.program.aval(v).nbytes, sizes.get(self.slots[v], 0))
        for slot, size in sizes.items():
            if slot in written and size <= CACHED:
                out[written[slot]] += FETCH * size / (2 * LINE)
        return out

    def passes(self, kernel: Kernel) -> int:
        """The number of passes over rows, for all rows."""
        if kernel.domain is None:
            return 0
        shape, cut = kernel.domain
        return prod(shape[:cut]) * len({m.phase for m in kernel.members.values() if m.role is not Role.COLUMN})

    def functions(self, kernel: Kernel) -> int:
        """For how many numbers an elementary function is computed."""
        inside, seen, pending, total = set(kernel.members), set[int](), list(kernel.members), 0
        while pending:
            v = pending.pop()
            if v in seen or v < len(self.program.inputs) or (v in self.plan.stored and v not in inside):
                continue
            seen.add(v)
            at = instruction(self.program, v)
            if at.primitive.lower.heavy:
                total += at.aval.size
            pending.extend(at.operands)
        return total


def threaded(plan: Plan, kernel: Kernel) -> bool:
    """Whether a kernel shares itself out, as a library call does."""
    return instruction(plan.program, kernel.values[0]).primitive.lower.threaded
