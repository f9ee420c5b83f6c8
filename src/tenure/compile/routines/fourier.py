"""Fourier transforms of many vectors, shared out over the threads.

    buffers  input, result, room
    numbers  groups, bytes from group to group of both; vectors of a group, bytes from vector to vector of both;
             bytes from element to element of both; the size of both axes; vectors of a block; 1 for forward; the bits
             of the factor; radices; tasks, bytes of room of each

Lengths that have radices are transformed side by side (``butterflies``), LANES vectors a block, others by pocketfft's
loops (``runtime.fourier``). Whichever vectors a task has, the bits are the same: one is computed as several are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.butterflies import BEYOND, emit_chain, emit_places, emit_roots, emit_untangled
from tenure.compile.routines.code import I8, I64, POINTER, TASK, VOID, at, least, load, share, started, store
from tenure.compile.routines.lanes import Copy
from tenure.ops.fourier import LINE, SIDE_BY_SIDE

LOOP = ir.FunctionType(VOID, [POINTER, POINTER, POINTER, POINTER])
LANES = {ir.FloatType(): SIDE_BY_SIDE, ir.DoubleType(): SIDE_BY_SIDE // 2}
Choice = Callable[[ir.IRBuilder, ir.Value], ir.Value]


def emit(module: ir.Module, name: str, which: tuple[str, int]) -> None:
    """Add a transform: "c2c" of complex vectors, "r2c" of real ones, of whose result half is kept, or "c2r" of such a
    half; of so many bits an element."""
    kind, bits = which
    bits = bits if kind == "r2c" else bits // 2
    task = emit_block(module, f"{name}.block", bits, partial(chosen, *which))
    t = ir.DoubleType() if bits == 64 else ir.FloatType()
    beside, roots = Beside(module, f"{name}.beside", kind, t).emit(), emit_roots(module, f"{name}.roots", t)
    places = emit_places(module, f"{name}.places")
    function = ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    buffers, numbers = function.args
    context = stack(b, ir.ArrayType(POINTER, 2))
    for k, address in enumerate(function.args):
        store(b, address, context, k)
    with b.if_else(b.icmp_signed("==", load(b, numbers, 13), constant(0))) as (long, short):
        with long:
            share(b, task, context, b.mul(load(b, numbers, 0), blocks(b, numbers)))
        with short:
            table, n = aligned(b, buffers), load(b, numbers, 9 if kind == "c2r" else 8)
            b.call(roots, [table, n])
            b.call(places, [listed(b, table, n, t), load(b, numbers, 13), length(b, kind, n)])
            share(b, beside, context, load(b, numbers, 14))
    b.ret(constant(0))


def chosen(kind: str, bits: int, b: ir.IRBuilder, n: ir.Value) -> ir.Value:
    """The loop for n elements."""
    if kind != "r2c":
        return declared(b.module, f"pocketfft_{kind}_{bits}")
    even, odd = (declared(b.module, f"pocketfft_r2c_{parity}_{bits}") for parity in ("even", "odd"))
    return b.select(b.trunc(n, ir.IntType(1)), odd, even)


def declared(module: ir.Module, name: str) -> ir.Function:
    """A loop, as the engine knows it."""
    return module.globals.get(name) or ir.Function(module, LOOP, name)


def blocks(b: ir.IRBuilder, numbers: ir.Value) -> ir.Value:
    """The tasks of a group."""
    vectors, size = load(b, numbers, 3), load(b, numbers, 10)
    return b.udiv(b.sub(b.add(vectors, size), constant(1)), size)


def emit_block(module: ir.Module, name: str, bits: int, choice: Choice) -> ir.Function:
    """The task that transforms blocks of vectors, by a factor of so many bits."""
    function, b = started(module, name, TASK)
    context, first, last = function.args
    buffers, numbers = (load(b, context, k, POINTER) for k in range(2))
    args, dimensions, steps = stack(b, ir.ArrayType(POINTER, 3)), *(stack(b, ir.ArrayType(I64, k)) for k in (3, 5))
    forward, factor = stack(b, I8), stack(b, ir.DoubleType() if bits == 64 else ir.FloatType())
    _, near, far, vectors, step, leap, inner, outer, n, m, size, ahead, bit = (load(b, numbers, k) for k in range(13))
    number = b.bitcast(bit, ir.DoubleType())
    b.store(number if bits == 64 else b.fptrunc(number, ir.FloatType()), factor)
    b.store(b.trunc(ahead, I8), forward)
    store(b, factor, args, 1)
    for k, x in enumerate((step, constant(0), leap, inner, outer)):
        store(b, x, steps, k)
    store(b, n, dimensions, 1)
    store(b, m, dimensions, 2)
    count, transform = blocks(b, numbers), choice(b, n)

    def block(item: ir.Value, _: list[ir.Value]) -> list[ir.Value]:
        group, start = b.udiv(item, count), b.mul(b.urem(item, count), size)
        for k, buffer, (by_group, by_vector) in ((0, 0, (near, step)), (2, 1, (far, leap))):
            offset = b.add(b.mul(group, by_group), b.mul(start, by_vector))
            store(b, at(b, load(b, buffers, buffer, POINTER), offset, I8), args, k)
        store(b, least(b, size, b.sub(vectors, start)), dimensions, 0)
        b.call(transform, [args, dimensions, steps, forward])
        return []

    counted(b, first, last, 1, block)
    b.ret_void()
    return function


def aligned(b: ir.IRBuilder, buffers: ir.Value) -> ir.Value:
    """The room, from the first whole cache line on."""
    start = b.ptrtoint(load(b, buffers, 2, POINTER), I64)
    return b.inttoptr(b.and_(b.add(start, constant(LINE - 1)), constant(-LINE)), POINTER)


def listed(b: ir.IRBuilder, table: ir.Value, n: ir.Value, t: ir.Type) -> ir.Value:
    """The list of places, behind n roots and what is written behind them."""
    return at(b, table, b.shl(b.add(n, constant(BEYOND)), constant(1)), t)


def length(b: ir.IRBuilder, kind: str, n: ir.Value) -> ir.Value:
    """The size of the complex transform."""
    return n if kind == "c2c" else b.lshr(n, constant(1))


class Beside:
    """The task that transforms its share of all blocks, each as LANES vectors side by side."""

    def __init__(self, module: ir.Module, name: str, kind: str, t: ir.Type) -> None:
        lanes = LANES[t]
        self.kind, self.t = kind, t
        self.inward = Copy(module, f"{name}.in", t, lanes, 1 if kind == "r2c" else 2, True).emit()
        self.outward = Copy(module, f"{name}.out", t, lanes, 1 if kind == "c2r" else 2, False).emit()
        self.chain = emit_chain(module, f"{name}.chain", t, lanes)
        self.pairs = None if kind == "c2c" else emit_untangled(module, f"{name}.pairs", t, lanes, kind == "r2c")
        self.function, self.b = started(module, name, TASK)
        b, context = self.b, self.function.args[0]
        self.buffers, self.numbers = (load(b, context, k, POINTER) for k in range(2))
        self.table = aligned(b, self.buffers)

    def emit(self) -> ir.Function:
        b, (_, first, last) = self.b, self.function.args
        count, tasks, room = blocks(b, self.numbers), load(b, self.numbers, 14), load(b, self.numbers, 15)
        whole = b.mul(load(b, self.numbers, 0), count)

        def task(item: ir.Value, _: list[ir.Value]) -> list[ir.Value]:
            mine = at(b, self.table, b.mul(b.add(item, constant(1)), room), I8)
            ends = [b.udiv(b.mul(whole, k), tasks) for k in (item, b.add(item, constant(1)))]
            start, stop = ends
            counted(b, start, stop, 1, lambda k, _: self.block(b.udiv(k, count), b.urem(k, count), mine))
            return []

        counted(b, first, last, 1, task)
        b.ret_void()
        return self.function

    def block(self, group: ir.Value, number: ir.Value, mine: ir.Value) -> list[ir.Value]:
        """One block of a group."""
        b, kind, t = self.b, self.kind, self.t
        near, far, vectors, step, leap, inner, outer, n, m, size, ahead, bits, radices = (
            load(b, self.numbers, k) for k in range(1, 14)
        )
        factor = b.bitcast(bits, ir.DoubleType())
        factor = factor if isinstance(t, ir.DoubleType) else b.fptrunc(factor, t)
        start = b.mul(number, size)
        rows = least(b, size, b.sub(vectors, start))
        read, written = (
            at(b, load(b, self.buffers, k, POINTER), b.add(b.mul(group, by_group), b.mul(start, by_vector)), I8)
            for k, by_group, by_vector in ((0, near, step), (1, far, leap))
        )
        longer = m if kind == "c2r" else n
        half, places = length(b, kind, longer), listed(b, self.table, longer, t)
        exchanged = {"c2c": b.sub(constant(1), ahead), "r2c": constant(0), "c2r": constant(1)}[kind]
        b.call(self.inward, [read, step, inner, rows, n, mine, ir.Constant(t, 1.0), places])
        if kind == "c2r":
            b.call(self.pairs, [mine, self.table, places, half])
        b.call(self.chain, [mine, self.table, radices, half, constant(1 if kind == "c2c" else 2), exchanged])
        if kind == "r2c":
            b.call(self.pairs, [mine, self.table, places, half])
        b.call(self.outward, [written, leap, outer, rows, m, mine, factor, places])
        return []
