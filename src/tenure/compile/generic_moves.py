"""Generic functions beside those of primitives: strided copies, zeros, checks of ranges, matrix products.

    copy    numbers: offsets of source and target, the number of axes, then of each: extent, stride there, stride here
    zero    numbers: the number of bytes
    check   numbers: the number of elements, the least, and how many there may be; 1 if an element is not among them
            (of floats, their bits)
    product numbers: a ``Product`` without its addresses

Copies serve whatever moves elements along axes: transposes, pieces, paddings, numbers that are spread.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted, stack, vectorized
from tenure.runtime.tiles import Product

I1, I8, I64, POINTER, VOID = ir.IntType(1), ir.IntType(8), ir.IntType(64), ir.PointerType(), ir.VoidType()
WIDTH = 16
SIGNATURE = ir.FunctionType(I64, [POINTER, POINTER])


def copy_bytes(b: ir.IRBuilder, to: ir.Value, source: ir.Value, count: ir.Value) -> None:
    """Copy memory that does not overlap."""
    memory(b, "memcpy.p0.p0.i64", [POINTER, POINTER], to, source, count)


def set_bytes(b: ir.IRBuilder, to: ir.Value, count: ir.Value) -> None:
    """Zero memory."""
    memory(b, "memset.p0.i64", [POINTER, I8], to, ir.Constant(I8, 0), count)


def memory(b: ir.IRBuilder, name: str, types: list[ir.Type], *args: ir.Value) -> None:
    """A call of an intrinsic on so many bytes."""
    name, module = f"llvm.{name}", b.module
    function = module.globals.get(name) or ir.Function(module, ir.FunctionType(VOID, [*types, I64, I1]), name)
    b.call(function, [*args, ir.Constant(I1, 0)])


def word(b: ir.IRBuilder, numbers: ir.Value, k: int) -> ir.Value:
    """A number."""
    return b.load(b.gep(numbers, [constant(k)], source_etype=I64), typ=I64)


def opened(module: ir.Module, name: str, buffers: int) -> tuple[ir.IRBuilder, list[ir.Value], ir.Value]:
    """The builder of a function, its buffers and the address of its numbers."""
    function = ir.Function(module, SIGNATURE, name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    places = [b.gep(function.args[0], [constant(k)], source_etype=POINTER) for k in range(buffers)]
    return b, [b.load(at, typ=POINTER) for at in places], function.args[1]


def emit_zero(module: ir.Module, name: str) -> None:
    """Add the function that zeroes a buffer."""
    b, (out,), numbers = opened(module, name, 1)
    set_bytes(b, out, word(b, numbers, 0))
    b.ret(constant(0))


def emit_check(module: ir.Module, name: str, size: int, real: bool) -> None:
    """Add the check of numbers of so many bytes, ``real`` or whole: the largest x − low, without sign, decides."""
    b, (x,), numbers = opened(module, name, 1)
    t = ir.IntType(8 * size)
    wide = ir.VectorType(t, WIDTH)
    stored = {4: ir.FloatType(), 8: ir.DoubleType()}[size] if real else t
    count, low, most = (word(b, numbers, k) for k in range(3))
    low, most = (v if size == 8 else b.trunc(v, t) for v in (low, most))
    lanes: Any = b.insert_element(ir.Constant(wide, ir.Undefined), low, constant(0))
    lanes = b.shuffle_vector(lanes, lanes, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH))

    def larger(kind: ir.Type, bits: ir.Type, low: ir.Value) -> Any:
        def step(i: ir.Value, held: list[Any]) -> list[Any]:
            found = b.load(b.gep(x, [i], source_etype=t), typ=kind, align=size)
            y = b.sub(whole_bits(b, found, bits), low)
            return [b.select(b.icmp_unsigned(">", y, held[0]), y, held[0])]

        return step

    whole = b.and_(count, constant(-WIDTH))
    step = larger(ir.VectorType(stored, WIDTH), wide, lanes)
    (found,) = counted(b, constant(0), whole, WIDTH, step, [ir.Constant(wide, None)])
    rest: Any = ir.Constant(t, 0)
    for k in range(WIDTH):
        y = b.extract_element(found, constant(k))
        rest = b.select(b.icmp_unsigned(">", y, rest), y, rest)
    (found,) = counted(b, whole, count, 1, larger(stored, t, low), [rest])
    failed = b.and_(b.icmp_unsigned(">=", found, most), b.icmp_signed(">", count, constant(0)))
    b.ret(b.zext(failed, I64))


def whole_bits(b: ir.IRBuilder, x: ir.Value, whole: ir.Type) -> ir.Value:
    """A whole number, or the bits of a float as one, −0.0 as +0.0."""
    if x.type == whole:
        return x
    zero = ir.Constant(x.type, [0.0] * x.type.count if isinstance(x.type, ir.VectorType) else 0.0)
    return b.bitcast(b.fadd(x, zero), whole)


def emit_product(module: ir.Module, name: str, size: int) -> None:
    """Add the call of the run time's product of floats of so many bytes."""
    b, addresses, numbers = opened(module, name, 3)
    room = stack(b, ir.ArrayType(I64, len(Product._fields_)))
    copy_bytes(b, room, numbers, constant(8 * len(Product._fields_)))
    for k, address in enumerate(addresses):
        b.store(address, b.gep(room, [constant(k)], source_etype=POINTER))
    gemm = "sgemm" if size == 4 else "dgemm"
    b.call(module.globals.get(gemm) or ir.Function(module, ir.FunctionType(VOID, [POINTER]), gemm), [room])
    b.ret(constant(0))


def emit_copy(module: ir.Module, name: str, size: int) -> None:
    """Add the copy of elements of so many bytes."""
    b, (source, to), numbers = opened(module, name, 2)
    t = ir.IntType(8 * size)
    walk = ir.Function(module, ir.FunctionType(VOID, [POINTER, POINTER, I64, POINTER]), f"{name}.axes")
    walk.linkage = "internal"
    starts = [b.gep(x, [word(b, numbers, k)], source_etype=t) for k, x in enumerate((source, to))]
    b.call(walk, [*starts, word(b, numbers, 2), b.gep(numbers, [constant(3)], source_etype=I64)])
    b.ret(constant(0))
    emit_axes(walk, t)


def emit_axes(walk: ir.Function, t: ir.IntType) -> None:
    """Copy along the first axis of several: it calls itself for the others, the last is a loop."""
    source, to, rank, axes = walk.args
    b = ir.IRBuilder(walk.append_basic_block("entry"))
    n, there, here = (word(b, axes, k) for k in range(3))

    def at(x: ir.Value, i: ir.Value, stride: ir.Value) -> ir.Value:
        return b.gep(x, [b.mul(i, stride)], source_etype=t)

    def outer(i: ir.Value, _: list[Any]) -> list[Any]:
        inner = b.gep(axes, [constant(3)], source_etype=I64)
        b.call(walk, [at(source, i, there), at(to, i, here), b.sub(rank, constant(1)), inner])
        return []

    def one(i: ir.Value, _: list[Any]) -> list[Any]:
        b.store(b.load(at(source, i, there), typ=t), at(to, i, here))
        return []

    with b.if_then(b.icmp_signed(">", rank, constant(1))):
        counted(b, constant(0), n, 1, outer)
        b.ret_void()
    dense = b.icmp_signed("==", here, constant(1))
    with b.if_then(b.and_(dense, b.icmp_signed("==", there, constant(1)))):
        copy_bytes(b, to, source, b.mul(n, constant(t.width // 8)))
        b.ret_void()
    with b.if_then(b.and_(dense, b.icmp_signed("==", there, constant(0)))):
        spread(b, to, b.load(source, typ=t), n)
        b.ret_void()
    counted(b, constant(0), n, 1, one)
    b.ret_void()


def spread(b: ir.IRBuilder, to: ir.Value, x: ir.Value, n: ir.Value) -> None:
    """Store a number n times."""
    wide = ir.VectorType(x.type, WIDTH)
    lanes = b.insert_element(ir.Constant(wide, ir.Undefined), x, constant(0))
    lanes = b.shuffle_vector(lanes, lanes, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH))

    def store(i: ir.Value, width: int) -> None:
        b.store(x if width == 1 else lanes, b.gep(to, [i], source_etype=x.type), align=x.type.width // 8)

    vectorized(b, constant(0), n, WIDTH, store)
