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
from collections.abc import Sequence
from functools import partial
from typing import Any

from llvmlite import ir

from tenure.compile import bounds
from tenure.compile.body import launch
from tenure.compile.loops import KernelCall, Loops
from tenure.compile.memory import ALIGN, Layout
from tenure.compile.nests import constant, stack
from tenure.compile.objects import BYTES, DATA, ITEMS
from tenure.compile.pauses import Pauses
from tenure.compile.reroll import Repetition, looped
from tenure.compile.target import checks_bounds

POINTER = ir.PointerType()


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
    layout, checks, calls = loops.layout, loops.checks, loops.calls
    plan = layout.plan
    b = ir.IRBuilder(loops.main.append_basic_block("entry"))
    table, word = resolve(b, loops.main, layout)
    room = stack(b, ir.ArrayType(POINTER, max([len(call.entries) for call in calls], default=0)))
    pauses = Pauses(loops.times, loops.repetitions)
    with pauses.begin(b, word):
        checks.emit(b, table, [*range(len(plan.program.inputs)), *plan.subviews])
    launches = [partial(launch, b, call.body, room, call.shared) for call in calls]
    for repetition in loops.repetitions:
        start, end = repetition.start, repetition.start + repetition.period
        if repetition.turns > 1:
            looped(b, table, room, entries_of(repetition, calls), launches[start:end], *pauses.around(repetition))
            continue
        for k in range(start, end):
            with pauses.kernel(k):
                enter(b, room, table, calls[k].entries)
                launches[k]()
                checks.emit(b, table, plan.kernels[k].values)
    accesses = bounds.guard(loops.module, loops.bodies) if checks_bounds() else []
    b.ret(bounds.outcome(b) if accesses else constant(0))
    return accesses, bool(pauses.every)


def entries_of(loop: Repetition, calls: Sequence[KernelCall]) -> list[list[list[int]]]:
    """The entries of the table that each kernel of each turn of a loop is about."""
    stop = loop.start + loop.period * loop.turns
    return [[call.entries for call in calls[k : k + loop.period]] for k in range(loop.start, stop, loop.period)]


def enter(b: ir.IRBuilder, room: ir.Value, table: ir.Value, entries: list[int]) -> None:
    """Put the addresses that a kernel is called with in a list of their own."""
    for place, slot in enumerate(entries):
        x = b.load(b.gep(table, [constant(slot)], source_etype=POINTER), typ=POINTER)
        b.store(x, b.gep(room, [constant(place)], source_etype=POINTER))


def resolve(b: ir.IRBuilder, main: ir.Function, layout: Layout) -> tuple[ir.Value, ir.Value]:
    """The table of addresses, by slot: of the elements of inputs and outputs, and of the buffers in the arena. And the
    address behind the numbers."""
    inputs = layout.plan.program.inputs
    numbers = [k for k, aval in enumerate(inputs) if aval.weak]
    arrays = [k for k in range(len(inputs) + len(layout.outputs)) if k not in numbers]
    items = member(b, main.args[0], ITEMS)
    arena = member(b, item(b, items, len(arrays) + 1), DATA)

    def put(slot: int, address: ir.Value) -> None:
        b.store(address, b.gep(arena, [constant(slot)], source_etype=POINTER))

    for place, slot in enumerate(arrays):
        put(slot, member(b, item(b, items, place), DATA))
    packed = item(b, items, len(arrays))
    for place, slot in enumerate(numbers):
        put(slot, b.gep(packed, [constant(BYTES + 8 * place)], source_etype=ir.IntType(8)))
    start = arena_start(layout)
    for slot, offset in layout.offsets:
        put(slot, b.gep(arena, [constant(start + offset)], source_etype=ir.IntType(8)))
    for slot, x, offset in layout.subviews:
        begin = b.load(b.gep(arena, [constant(x)], source_etype=POINTER), typ=POINTER)
        put(slot, b.gep(begin, [constant(offset)], source_etype=ir.IntType(8)))
    return arena, b.gep(packed, [constant(BYTES + 8 * len(numbers))], source_etype=ir.IntType(8))


def item(b: ir.IRBuilder, items: ir.Value, k: int) -> ir.Value:
    """The object at a place of a list."""
    return b.load(b.gep(items, [constant(k)], source_etype=POINTER), typ=POINTER)


def member(b: ir.IRBuilder, thing: ir.Value, offset: int) -> ir.Value:
    """An address kept in an object."""
    return b.load(b.gep(thing, [constant(offset)], source_etype=ir.IntType(8)), typ=POINTER)
