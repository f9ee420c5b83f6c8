"""From a Program to the module of its code: kernels, and the function that runs them.

``i64 main(ptr list)`` is called with a Python list: the input arrays, the arrays for the outputs, the packed
numbers (a bytes object) and the arena (an array), whose head becomes the table of addresses that kernels read.
It checks what can be out of range, and runs kernel after kernel, the large ones shared out over the threads. It
gives 0, or 1 + the number of the instruction whose check failed; nothing has been written then. Code that checks
its own accesses gives minus the number of one that was out of bounds, from 1 on (``bounds``). A long program may
stop between two kernels; called again with the same list it goes on there (``pauses``).

``@about`` is the JSON of what the caller needs to know of the program: see ``executable.About``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from llvmlite import ir

from tenure.compile import bounds
from tenure.compile.checks import Checks
from tenure.compile.fuse import Kernel, Plan
from tenure.compile.kernels import Body, emit_kernel, launch
from tenure.compile.loops import constant, stack
from tenure.compile.memory import ALIGN, Layout
from tenure.compile.objects import BYTES, DATA, ITEMS
from tenure.compile.orient import orient
from tenure.compile.pauses import Pauses
from tenure.compile.products import emit_product
from tenure.compile.remake import planned_memory
from tenure.compile.share import Local, localize
from tenure.compile.simplify import simplify
from tenure.compile.spread import Spread, is_product
from tenure.compile.target import checks_bounds
from tenure.compile.turns import Segment, looped, segments
from tenure.ir.program import Program

POINTER, I64 = ir.PointerType(), ir.IntType(64)


def build(program: Program, bits: int) -> ir.Module:
    """The module of a program, for vectors of so many bits."""
    plan, layout = planned(program)
    module, accesses, long = emit_module(plan, layout, bits)
    text = json.dumps({**about(program, plan, layout), "accesses": accesses, "long": long}).encode() + b"\0"
    content = ir.ArrayType(ir.IntType(8), len(text))
    note = ir.GlobalVariable(module, content, "about")
    note.initializer = ir.Constant(content, bytearray(text))
    note.global_constant = True
    return module


def planned(program: Program) -> tuple[Plan, Layout]:
    """The passes before code: kernels, and where their values lie."""
    return planned_memory(orient(simplify(program)))


def about(program: Program, plan: Plan, layout: Layout) -> dict[str, Any]:
    """What the caller of a program needs to know."""
    n = len(program.inputs)
    avals = [plan.program.aval(v) for v in layout.outputs]
    return {
        "made": [(aval.shape, aval.dtype.name) for aval in avals],
        "outputs": [v if v < n else layout.slots[v] for v in plan.program.outputs],
        "donors": [(slot - n, given) for slot, given in layout.donors],
        "arena": arena_start(plan, layout) + layout.arena,
    }


def arena_start(plan: Plan, layout: Layout) -> int:
    """Where the arena's buffers begin, behind the table."""
    entries = len(plan.program.inputs) + len(layout.outputs) + len(layout.offsets) + len(layout.windows)
    return -(-8 * entries // ALIGN) * ALIGN


def emit_module(plan: Plan, layout: Layout, bits: int) -> tuple[ir.Module, list[str], bool]:
    """All kernels, and the function that runs them; the accesses that it checks, if it is to; whether it pauses."""
    module = ir.Module(name="program")
    main = ir.Function(module, ir.FunctionType(I64, [POINTER]), "main")
    b = ir.IRBuilder(main.append_basic_block("entry"))
    table, word = resolve(b, main, plan, layout)
    checks = Checks(plan, layout)
    bodies: dict[tuple[str, bool], Body] = {}
    parts = [localize(plan, kernel, layout.slots) for kernel in plan.kernels]
    room = stack(b, ir.ArrayType(POINTER, max([len(part.entries) for part in parts], default=0)))

    def body_of(kernel: Kernel, local: Local, shared: bool) -> Body:
        key = (local.key, shared)
        if key not in bodies:
            bodies[key] = kernel_body(module, f"kernel{len(bodies)}", plan, kernel, local.slots, bits, shared)
        return bodies[key]

    loops = [None if is_product(plan, k) else body_of(k, p, True) for k, p in zip(plan.kernels, parts, strict=True)]
    spread = Spread(plan, layout, loops)
    pauses = Pauses(spread.times, found_turns(plan, parts, spread.shared, checks))
    with pauses.begin(b, word):
        checks.emit(b, table, [*range(len(plan.program.inputs)), *plan.windows])
    calls = [
        partial(launch, b, body_of(kernel, local, both), room, False)
        if body is None
        else partial(launch, b, body, room, both and not body.parts)
        for kernel, local, body, both in zip(plan.kernels, parts, loops, spread.shared, strict=True)
    ]
    for loop in pauses.loops:
        start, end, turns = loop.start, loop.start + loop.period, loop.turns
        if turns > 1:
            looped(b, table, room, entries_of(loop, parts), calls[start:end], *pauses.around(loop))
            continue
        for k in range(start, end):
            with pauses.kernel(k):
                enter(b, room, table, parts[k].entries)
                calls[k]()
                checks.emit(b, table, plan.kernels[k].values)
    accesses = bounds.guard(module, bodies.values()) if checks_bounds() else []
    b.ret(bounds.outcome(b) if accesses else constant(0))
    return module, accesses, bool(pauses.every)


def found_turns(plan: Plan, parts: Sequence[Local], shared: Sequence[bool], checks: Checks) -> list[Segment]:
    """The kernels in order, equal segments of them as turns; one whose values are checked is equal to no other."""
    checked = [k for k, kernel in enumerate(plan.kernels) if checks.waiting.keys() & set(kernel.values)]
    codes: list[object] = [(local.key, len(local.entries), s) for local, s in zip(parts, shared, strict=True)]
    for k in checked:
        codes[k] = k
    return list(segments(codes))


def entries_of(loop: Segment, parts: Sequence[Local]) -> list[list[list[int]]]:
    """The entries of the table that each kernel of each turn of a loop is about."""
    stop = loop.start + loop.period * loop.turns
    return [[local.entries for local in parts[k : k + loop.period]] for k in range(loop.start, stop, loop.period)]


def kernel_body(
    module: ir.Module, name: str, plan: Plan, kernel: Kernel, slots: dict[int, int], bits: int, shared: bool = True
) -> Body:
    """The function of a kernel, over its own list of addresses; of a product, whether it is ``shared`` out."""
    if is_product(plan, kernel):
        body = Body(module, name, plan, slots, bits)
        emit_product(body, kernel.values[0], shared)
        body.b.ret_void()
    else:
        body = emit_kernel(module, name, plan, kernel, slots, bits)
    body.function.linkage = "internal"
    return body


def enter(b: ir.IRBuilder, room: ir.Value, table: ir.Value, entries: list[int]) -> None:
    """Put the addresses that a kernel is called with in a list of their own."""
    for place, slot in enumerate(entries):
        x = b.load(b.gep(table, [constant(slot)], source_etype=POINTER), typ=POINTER)
        b.store(x, b.gep(room, [constant(place)], source_etype=POINTER))


def resolve(b: ir.IRBuilder, main: ir.Function, plan: Plan, layout: Layout) -> tuple[ir.Value, ir.Value]:
    """The table of addresses, by slot: of the elements of inputs and outputs, and of the buffers in the arena. And the
    address behind the numbers."""
    inputs = plan.program.inputs
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
    start = arena_start(plan, layout)
    for slot, offset in layout.offsets:
        put(slot, b.gep(arena, [constant(start + offset)], source_etype=ir.IntType(8)))
    for slot, x, offset in layout.windows:
        begin = b.load(b.gep(arena, [constant(x)], source_etype=POINTER), typ=POINTER)
        put(slot, b.gep(begin, [constant(offset)], source_etype=ir.IntType(8)))
    return arena, b.gep(packed, [constant(BYTES + 8 * len(numbers))], source_etype=ir.IntType(8))


def item(b: ir.IRBuilder, items: ir.Value, k: int) -> ir.Value:
    """The object at a place of a list."""
    return b.load(b.gep(items, [constant(k)], source_etype=POINTER), typ=POINTER)


def member(b: ir.IRBuilder, thing: ir.Value, offset: int) -> ir.Value:
    """An address kept in an object."""
    return b.load(b.gep(thing, [constant(offset)], source_etype=ir.IntType(8)), typ=POINTER)
