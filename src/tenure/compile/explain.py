"""Description of a compiled program: its kernels, with what each computes, reads and writes, and the memory plan.

    a = sin x; b = a * y; s = reduce_sum b        becomes        kernel 0: sin multiply reduce_sum; reads x y; writes s

Everything is derived again from the program when somebody asks: programs that nobody explains keep nothing for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tenure.compile.jit import engine
from tenure.compile.loops import loops
from tenure.compile.memory import Layout, last_uses
from tenure.compile.pipeline import planned
from tenure.compile.plan import Kernel, Plan, instruction
from tenure.compile.stencil import entangled
from tenure.ir.aval import Aval
from tenure.ir.program import Instruction, Program
from tenure.ops.move import full
from tenure.ops.pointwise import cast

HELD = "somebody still holds it: a name, an exported array, or a graph that a backward may walk"


@dataclass(frozen=True)
class Touch:
    """A stored value that a kernel reads or writes, and how many of its bytes, each counted once."""

    value: int
    aval: Aval
    nbytes: int


@dataclass(frozen=True)
class KernelReport:
    """One loop nest, or one call of a library.

    ``operations`` are the values computed, stored or not; ``names`` their primitives and ``origins`` the recorded
    slots they come from, both in order. ``rows`` and ``row`` are the shapes that it goes over,
    ``host`` the library function that is called, with why it is.
    """

    operations: tuple[int, ...]
    names: tuple[str, ...]
    origins: tuple[int, ...]
    reads: tuple[Touch, ...]
    writes: tuple[Touch, ...]
    rows: tuple[int, ...]
    row: tuple[int, ...]
    threads: bool
    host: str | None
    why: str


@dataclass(frozen=True)
class Reuse:
    """``value`` lies in the buffer of ``of``: in place. Where ``why`` is given, ``of`` is copied first instead.

    ``given``: ``of`` is an input, whose array is taken over at the call if nobody else holds it.
    """

    kernel: int
    value: int
    of: int
    given: bool = False
    why: str | None = None


@dataclass(frozen=True)
class Report:
    """A program as it is compiled: ``plan.program`` is the simplified one, whose values all others name."""

    plan: Plan
    layout: Layout
    kernels: tuple[KernelReport, ...]
    reuses: tuple[Reuse, ...]

    @cached_property
    def moved(self) -> int:
        """Bytes that the kernels read and write."""
        return sum(t.nbytes for k in self.kernels for t in (*k.reads, *k.writes))

    @cached_property
    def floor(self) -> int:
        """Bytes of what is read of each input, and written of each output, once."""
        n = len(self.plan.program.inputs)
        least: dict[tuple[bool, int], int] = {}
        for k in self.kernels:
            for written, touches in ((False, k.reads), (True, k.writes)):
                for t in touches:
                    if t.value in self.plan.program.outputs if written else t.value < n:
                        least[written, t.value] = max(least.get((written, t.value), 0), t.nbytes)
        return sum(least.values())


def report(program: Program, held: Mapping[int, int] | None = None) -> Report:
    """Description of a program; ``held`` are the inputs that the caller has kept, so that they were copied."""
    layout = planned(program)
    plan = layout.plan
    reuses = found_reuses(layout, held or {})
    ours = {r.value: r.of for r in reuses if r.why is None}
    written = loops(layout, vector_bits())
    calls = zip(plan.kernels, written.shared, strict=True)
    kernels = [kernel_report(plan, k, ours, shared) for k, shared in calls]
    return Report(plan, layout, tuple(kernels), tuple(reuses))


def kernel_report(plan: Plan, kernel: Kernel, in_place: Mapping[int, int], shared: bool) -> KernelReport:
    """Description of one kernel."""
    program = plan.program
    needed, read = demand(plan, kernel, in_place)
    operations = tuple(sorted(v for v in needed if not constant(instruction(program, v))))
    head = instruction(program, kernel.values[0])
    shape, cut = kernel.domain if kernel.domain is not None else (head.aval.shape, 0)
    return KernelReport(
        operations,
        tuple([instruction(program, v).primitive.name for v in operations]),
        tuple(dict.fromkeys(instruction(program, v).origin for v in operations)),
        tuple([touch(program, v, read[v]) for v in sorted(read) if read[v]]),
        tuple([touch(program, v, written(program, v, in_place)) for v in kernel.values]),
        shape[:cut],
        shape[cut:],
        shared,
        library_call(program, head),
        head.primitive.lower.why,
    )


def vector_bits() -> int:
    """The width of this machine's vectors."""
    return engine().target.vector_bits


def constant(at: Instruction) -> bool:
    """A number, in whatever dtype, which is no operation to speak of."""
    return at.primitive in (full, cast) and at.aval.shape == ()


def touch(program: Program, v: int, elements: int) -> Touch:
    """So many elements of a stored value."""
    aval = program.aval(v)
    return Touch(v, aval, elements * aval.dtype.itemsize)


def library_call(program: Program, at: Instruction) -> str | None:
    """The library function that computes an instruction, if one does."""
    return at.primitive.lower.library(at.aval, [program.aval(x) for x in at.operands], at.params)


def demand(plan: Plan, kernel: Kernel, in_place: Mapping[int, int]) -> tuple[dict[int, int], dict[int, int]]:
    """Numbers of elements that a kernel computes of each value and reads of each stored one."""
    program, inside = plan.program, {*kernel.members, *kernel.values}
    needed = {v: program.aval(v).size for v in inside}
    read: dict[int, int] = {}
    pending = set(inside)
    while pending:
        v = max(pending)
        pending.remove(v)
        at = instruction(program, v)
        for k, o in enumerate(at.operands):
            count = operand_demand(program, at, k, needed[v], in_place.get(v))
            where = needed if o in inside or o not in plan.stored else read
            where[o] = min(program.aval(o).size, where.get(o, 0) + count)
            if where is needed and o not in inside:
                pending.add(o)
    return needed, read


def operand_demand(program: Program, at: Instruction, k: int, count: int, base: int | None) -> int:
    """The number of elements of operand k needed for ``count`` of the result; ``base`` is what is written in place."""
    size, shapes = program.aval(at.operands[k]).size, [program.aval(o).shape for o in at.operands]
    least = at.primitive.lower.demand(k, shapes, at.params, at.operands[k] == base)
    if least is not None:
        return least
    if at.primitive.traits.preserves is not None and k == 0:  # it reads no more than it gives
        return min(size, count)
    return size


def written(program: Program, v: int, in_place: Mapping[int, int]) -> int:
    """The number of elements that a kernel writes of a value: of what is written in place, only the part."""
    at = instruction(program, v)
    lower = at.primitive.lower
    if lower.base is None or in_place.get(v) != at.operands[lower.base]:
        return at.aval.size
    part = lower.written([program.aval(o).shape for o in at.operands], at.params)
    return at.aval.size if part is None else min(at.aval.size, part)


def found_reuses(layout: Layout, held: Mapping[int, int]) -> list[Reuse]:
    """The values that lie in the buffer of another, and those that could not."""
    plan = layout.plan
    out: list[Reuse] = []
    last: dict[int, int] = {}
    for k, kernel in enumerate(plan.kernels):
        for v in kernel.values:
            slot, x = layout.slots[v], base_of(plan, v)
            before = last.get(slot)
            last[slot] = v
            given = [i for s, i in layout.donors if s == slot and reads_at(kernel, plan, i)]
            if before is not None:
                out.append(Reuse(k, v, before))
            elif given:
                free = next((i for i in given if not held.get(i)), None)
                why = None if free is not None else f"{HELD} (in {held[given[0]]} runs)"
                out.append(Reuse(k, v, given[0] if free is None else free, given=True, why=why))
            elif x is not None and x in plan.stored:
                out.append(Reuse(k, v, x, why=reason(plan, k, v, x)))
    return out


def reads_at(kernel: Kernel, plan: Plan, x: int) -> bool:
    """Whether it is in this kernel that an input's array is taken over."""
    return x in kernel.reads or any(base_of(plan, v) == x for v in kernel.values)


def base_of(plan: Plan, v: int) -> int | None:
    """The value that another is written into."""
    at = instruction(plan.program, v)
    lower = at.primitive.lower
    return None if lower.base is None else at.operands[lower.base]


def reason(plan: Plan, k: int, v: int, x: int) -> str:
    """The reason for a copy of the value that is written into."""
    program = plan.program
    if x in program.outputs:
        return "it is a result too"
    last = last_uses(plan)[x]
    if last > k:
        return f"kernel {last} reads it afterwards"
    if entangled(program, plan.stored, v):
        return "what is written is computed from it, at other places"
    if x < len(program.inputs):
        return "an index is checked afterwards, and a failed check must find it as it was"
    return "its buffer is taken already"
