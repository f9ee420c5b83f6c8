"""Emission: the function that runs the kernels, and what the caller needs to know of the program.

``i64 main(ptr list)`` is called with a Python list: the input arrays, the arrays for the outputs, the packed
numbers (a bytes object) and the arena (an array), whose head becomes the table of addresses that kernels read.
It checks what can be out of range, and runs kernel after kernel, the large ones shared out over the threads. It
gives 0, or 1 + the number of the instruction whose check failed; nothing has been written then. Code that checks
its own accesses gives minus the number of one that was out of bounds, from 1 on (``bounds``). A long program may
stop between two kernels; called again with the same list it goes on there (``pauses``).

``@about`` is the JSON of what the caller needs to know of the program: see ``executable.Compiled``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce
from operator import or_
from typing import Any, NamedTuple

from llvmlite import ir

from tenure.compile import bounds
from tenure.compile.body import SIGNATURE, share_out
from tenure.compile.checks import CHECK
from tenure.compile.loops import Loops
from tenure.compile.memory import ALIGN, Layout
from tenure.compile.nests import constant, counted, stack
from tenure.compile.objects import BYTES, DATA, ITEMS
from tenure.compile.pauses import pause, pauses
from tenure.compile.target import checks_bounds

POINTER, I8, I64 = ir.PointerType(), ir.IntType(8), ir.IntType(64)
ROW = ir.LiteralStructType([POINTER, I64, I64, I64, I64])
SHARED, PAUSES, CHECKS = 1, 2, 4
"""Flags of a step: a kernel shared out over the threads, a pause before it, a check."""
FEW = 8
"""Rows of a constant that are written out instead of a loop."""


def emit(loops: Loops) -> ir.Module:
    """Write ``main`` and ``@about``: the module is whole then."""
    accesses, long = emit_main(loops)
    text = json.dumps({**about(loops.layout), "accesses": accesses, "long": long}).encode() + b"\0"
    content = ir.ArrayType(ir.IntType(8), len(text))
    note = ir.GlobalVariable(loops.module, content, "about")
    note.initializer = ir.Constant(content, bytearray(text))
    note.global_constant = True
    return loops.module


def about(layout: Layout) -> dict[str, Any]:
    """The facts that the caller of a program needs."""
    program = layout.plan.program
    n = len(program.inputs)
    avals = [program.aval(v) for v in layout.outputs]
    return {
        "made": [(aval.shape, aval.dtype.name) for aval in avals],
        "outputs": [v if v < n else layout.slots[v] for v in program.outputs],
        "donors": [(slot - n, given) for slot, given in layout.donors],
        "arena": arena_start(layout) + layout.arena,
    }


def arena_start(layout: Layout) -> int:
    """The offset of the arena's first buffer, behind the table."""
    inputs = len(layout.plan.program.inputs)
    entries = inputs + len(layout.outputs) + len(layout.offsets) + len(layout.subviews)
    return -(-8 * entries // ALIGN) * ALIGN


def emit_main(loops: Loops) -> tuple[list[str], bool]:
    """The function that runs all kernels; the accesses that it checks, if it is to; whether it pauses."""
    layout = loops.layout
    b = ir.IRBuilder(loops.main.append_basic_block("entry"))
    table, word = resolve(b, loops.main, layout)
    rows, entries = rows_of(loops)
    long = any(row.flags & PAUSES for row in rows)
    start = b.load(word, typ=I64) if long else constant(0)
    if rows:
        run(b, table, start, word, rows, entries)
    accesses = bounds.guard(loops.module, loops.bodies) if checks_bounds() else []
    b.ret(bounds.outcome(b) if accesses else constant(0))
    return accesses, long


class Row(NamedTuple):
    """A step of ``main``: the call of a kernel for so many items, with the addresses at some entries of the table, or
    of a check."""

    function: ir.Function
    items: int = 0
    first: int = 0
    last: int = 0
    flags: int = 0


def rows_of(loops: Loops) -> tuple[list[Row], list[int]]:
    """The steps of ``main`` in order, and the entries that their calls are about."""
    plan, checks = loops.layout.plan, loops.checks
    rows: list[Row] = []
    entries: list[int] = []

    def check(values: Iterable[int]) -> None:
        rows.extend([Row(f, flags=CHECKS) for f in checks.functions(loops.module, values)])

    check([*range(len(plan.program.inputs)), *plan.subviews])
    pausing = pauses(loops.times)
    for k, (kernel, call) in enumerate(zip(plan.kernels, loops.calls, strict=True)):
        first = len(entries)
        entries += call.entries
        flags = (SHARED if call.shared else 0) | (PAUSES if k in pausing else 0)
        items = call.body.items if call.shared else max(call.body.items, 1)
        rows.append(Row(call.body.function, items, first, len(entries), flags))
        check(kernel.values)
    return rows, entries


def run(
    b: ir.IRBuilder, table: ir.Value, start: ir.Value, word: ir.Value, rows: Sequence[Row], entries: Sequence[int]
) -> None:
    """Take step after step from one on, by a loop that is as long for any number of them."""
    kinds = reduce(or_, [row.flags for row in rows])
    content = [ir.Constant(ROW, list(row)) for row in rows]
    known = known_as(b.module, "rows", ir.Constant(ir.ArrayType(ROW, len(rows)), content))
    places = integers(b.module, "entries", entries, I64)
    room = stack(b, ir.ArrayType(POINTER, max([row.last - row.first for row in rows])))

    def enter(place: ir.Value, argument: ir.Value) -> list[ir.Value]:
        slot = b.load(b.gep(places, [place], source_etype=I64), typ=I64)
        b.store(item(b, table, slot), b.gep(room, [argument], source_etype=POINTER))
        return []

    def step(k: ir.Value, _: list[ir.Value]) -> list[ir.Value]:
        at = b.gep(known, [k], source_etype=ROW)

        def field(n: int, t: ir.Type) -> ir.Value:
            return b.load(b.gep(at, [constant(0), ir.Constant(ir.IntType(32), n)], source_etype=ROW), typ=t)

        def compute() -> None:
            first, items = field(2, I64), field(1, I64)
            counted(b, first, field(3, I64), 1, lambda place, _: enter(place, b.sub(place, first)))
            alone = partial(b.call, field(0, SIGNATURE.as_pointer()), [room, constant(0), items])
            either(SHARED, lambda: share_out(b, field(0, POINTER), room, items), alone)

        either = partial(choose, b, kinds, field(4, I64))
        either(PAUSES, lambda: pause(b, k, start, word))
        either(CHECKS, lambda: leave_if_failed(b, field(0, CHECK.as_pointer()), table), compute)
        return []

    counted(b, start, constant(len(rows)), 1, step)


def choose(
    b: ir.IRBuilder,
    kinds: int,
    flags: ir.Value,
    flag: int,
    yes: Callable[[], object],
    no: Callable[[], object] = lambda: None,
) -> None:
    """One thing where a flag is set, another where it is not; without a branch where it is in none of ``kinds``."""
    if not kinds & flag:
        no()
        return
    with b.if_else(b.icmp_unsigned("!=", b.and_(flags, constant(flag)), constant(0))) as (then, otherwise):
        with then:
            yes()
        with otherwise:
            no()


def leave_if_failed(b: ir.IRBuilder, check: ir.Value, table: ir.Value) -> None:
    """Make a check, and leave with its status unless that is 0."""
    status = b.call(check, [table])
    with b.if_then(b.icmp_unsigned("!=", status, constant(0)), likely=False):
        b.ret(status)


def resolve(b: ir.IRBuilder, main: ir.Function, layout: Layout) -> tuple[ir.Value, ir.Value]:
    """The table of addresses, by slot: of the elements of inputs and outputs, and of the buffers in the arena. And the
    address behind the numbers."""
    inputs = layout.plan.program.inputs
    numbers = [k for k, aval in enumerate(inputs) if aval.weak]
    arrays = [k for k in range(len(inputs) + len(layout.outputs)) if k not in set(numbers)]
    items = member(b, main.args[0], ITEMS)
    packed = item(b, items, constant(len(arrays)))
    arena = member(b, item(b, items, constant(len(arrays) + 1)), DATA)
    start = arena_start(layout)

    def behind(address: ir.Value, offset: ir.Value | int) -> ir.Value:
        return b.gep(address, [constant(offset) if isinstance(offset, int) else offset], source_etype=I8)

    def put(slot: ir.Value, address: ir.Value) -> None:
        b.store(address, b.gep(arena, [slot], source_etype=POINTER))

    def given(place: ir.Value, slot: ir.Value) -> None:
        put(slot, member(b, item(b, items, place), DATA))

    def part(slot: ir.Value, x: ir.Value, offset: ir.Value) -> None:
        put(slot, behind(item(b, arena, x), offset))

    each(b, list(enumerate(arrays)), given)
    each(b, [(BYTES + 8 * k, slot) for k, slot in enumerate(numbers)], lambda at, slot: put(slot, behind(packed, at)))
    each(b, [(slot, start + at) for slot, at in layout.offsets], lambda slot, at: put(slot, behind(arena, at)))
    each(b, layout.subviews, part)
    return arena, behind(packed, BYTES + 8 * len(numbers))


def each(b: ir.IRBuilder, rows: Sequence[tuple[int, ...]], body: Callable[..., None]) -> None:
    """``body`` of the numbers of each row: written out for few rows, a loop over a constant for many."""
    if len(rows) <= FEW:
        for row in rows:
            body(*map(constant, row))
        return
    width = len(rows[0])
    known = integers(b.module, "known", [n for row in rows for n in row], I64)

    def turn(k: ir.Value, _: list[ir.Value]) -> list[ir.Value]:
        at = b.mul(k, constant(width))
        body(*[b.load(b.gep(known, [b.add(at, constant(n))], source_etype=I64), typ=I64) for n in range(width)])
        return []

    counted(b, constant(0), constant(len(rows)), 1, turn)


def integers(module: ir.Module, name: str, numbers: Sequence[int], kind: ir.IntType) -> ir.GlobalVariable:
    """A constant array."""
    return known_as(module, name, ir.Constant(ir.ArrayType(kind, len(numbers)), list(numbers)))


def known_as(module: ir.Module, name: str, content: ir.Constant) -> ir.GlobalVariable:
    """A constant of the module."""
    found = ir.GlobalVariable(module, content.type, module.get_unique_name(name))
    found.initializer, found.global_constant, found.linkage = content, True, "internal"
    return found


def item(b: ir.IRBuilder, items: ir.Value, k: ir.Value) -> ir.Value:
    """The address at a place of a list."""
    return b.load(b.gep(items, [k], source_etype=POINTER), typ=POINTER)


def member(b: ir.IRBuilder, thing: ir.Value, offset: int) -> ir.Value:
    """An address kept in an object."""
    return b.load(b.gep(thing, [constant(offset)], source_etype=ir.IntType(8)), typ=POINTER)
