"""Fourier transforms of many vectors: pocketfft's loops (``runtime.fourier``), shared out over the threads.

    buffers  input, result
    numbers  groups, bytes from group to group of both; vectors of a group, bytes from vector to vector of both;
             bytes from element to element of both; the size of both axes; vectors of a task; 1 for forward; the bits of
             the factor

Whichever vectors a task has, the bits are the same: pocketfft computes several at once as it computes one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack
from tenure.compile.routines.code import I8, I64, POINTER, TASK, VOID, at, least, load, share, started, store

LOOP = ir.FunctionType(VOID, [POINTER, POINTER, POINTER, POINTER])
Choice = Callable[[ir.IRBuilder, ir.Value], ir.Value]


def emit(module: ir.Module, name: str, which: tuple[str, int]) -> None:
    """Add a transform: "c2c" of complex vectors, "r2c" of real ones, of whose result half is kept, or "c2r" of such a
    half; of so many bits an element."""
    kind, bits = which
    task = emit_block(module, f"{name}.block", bits if kind == "r2c" else bits // 2, partial(chosen, kind, bits))
    function = ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    context = stack(b, ir.ArrayType(POINTER, 2))
    for k, address in enumerate(function.args):
        store(b, address, context, k)
    share(b, task, context, b.mul(load(b, function.args[1], 0), blocks(b, function.args[1])))
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
