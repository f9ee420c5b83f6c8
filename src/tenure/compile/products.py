"""Matrix products: BLAS for floats, a loop nest for whole numbers."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from llvmlite import ir

from tenure.compile.element_types import in_memory
from tenure.compile.index import address, loop
from tenure.compile.nests import Axis, constant, counted, nest
from tenure.compile.plan import instruction
from tenure.compile.stored import multiplied
from tenure.ir.program import Instruction
from tenure.runtime.tiles import Product, tiling

if TYPE_CHECKING:
    from tenure.compile.body import Body

I64, POINTER = ir.IntType(64), ir.PointerType()


def emit_product(body: Body, v: int, shared: bool) -> None:
    """All matrices of a batch: at once where the operands' batches are whole or single, else one after the other;
    ``shared`` out, or on one thread."""
    program = body.program
    at, aval = instruction(program, v), program.aval(v)
    operands = multiplied(program, at, body.plan.stored)
    batch = aval.shape[:-2]
    batches = [program.aval(o).shape[:-2] for o in at.operands]
    count, (rows, columns), inner = prod(batch), aval.shape[-2:], program.aval(at.operands[0]).shape[-1]
    together = all(prod(s) in (1, count) for s in batches)
    variables: dict[int, Any] = {}
    shapes = [program.aval(o).shape for o in at.operands]

    def one() -> None:
        e = body.emitter(set(), variables, None, 1)
        starts: list[ir.Value] = []
        for (o, _), shape in zip(operands, shapes, strict=True):
            lead = len(batch) - len(shape) + 2
            index = tuple([loop(lead + k) * (0 if n == 1 else 1) for k, n in enumerate(shape[:-2])])
            starts.append(advance(body, o, e.scalar(address(index, shape[:-2])), shape))
        where = e.scalar(address(tuple([loop(k) for k in range(len(batch))]), batch))
        matrices = Matrices(starts[0], starts[1], advance(body, v, where, aval.shape))
        turned = [t for _, t in operands]
        if aval.dtype.kind == "f":
            strides = [0 if prod(s[:-2]) == 1 else s[-1] * s[-2] for s in shapes]
            size = Size(rows, columns, inner, count if together else 1, strides[0], strides[1])
            call_blas(body, at, matrices, turned, size, shared)
        else:
            multiply_whole(body, aval.dtype, matrices, turned, Size(rows, columns, inner, 1, 0, 0))

    if aval.size:
        whole = together and aval.dtype.kind == "f"
        nest(body.b, [] if whole else [Axis(k, n) for k, n in enumerate(batch) if n != 1], variables, one)


class Matrices(NamedTuple):
    """Addresses: the result is the product of the first two."""

    left: ir.Value
    right: ir.Value
    target: ir.Value


class Size(NamedTuple):
    """rows × inner times inner × columns, ``batch`` times; strides from matrix to matrix of the operands."""

    rows: int
    columns: int
    inner: int
    batch: int
    left: int
    right: int


def advance(body: Body, v: int, matrix: ir.Value, shape: tuple[int, ...]) -> ir.Value:
    """The address of one matrix of a batch."""
    at = body.b.mul(matrix, constant(shape[-1] * shape[-2]))
    return body.b.gep(body.pointer(v), [at], source_etype=in_memory(body.program.aval(v).dtype))


def call_blas(body: Body, at: Instruction, matrices: Matrices, turned: list[bool], size: Size, shared: bool) -> None:
    """``gemm`` of the runtime, on a Product on the stack; an operand that is a transpose is read as it lies."""
    b, module = body.b, body.function.module
    fields: dict[str, Any] = {"a": matrices.left, "b": matrices.right, "c": matrices.target}
    fields.update(m=size.rows, n=size.columns, k=size.inner, batch=size.batch)
    fields.update(lda=size.rows if turned[0] else size.inner, ldb=size.inner if turned[1] else size.columns)
    fields.update(ldc=size.columns, stride_a=size.left, stride_b=size.right, stride_c=size.rows * size.columns)
    fields.update(transpose_a=int(turned[0]), transpose_b=int(turned[1]), alpha=1.0, beta=0.0)
    fields.update(selects=at.params.get("selects", 0), marks=int(at.params.get("marks", False)))
    fields.update(tiling(size.rows, size.columns, size.inner, size.batch))
    if not shared:
        fields.update(pieces=1)
    with b.goto_entry_block():
        room = b.alloca(ir.ArrayType(I64, len(Product._fields_)))
        call = b.inttoptr(b.ptrtoint(room, I64), POINTER)
    for name, *_ in Product._fields_:
        value = fields[name]
        if isinstance(value, float):
            value = ir.Constant(ir.DoubleType(), value)
        elif isinstance(value, int):
            value = constant(max(value, 1) if name.startswith("ld") else value)
        b.store(value, b.gep(call, [constant(getattr(Product, name).offset)], source_etype=ir.IntType(8)))
    name = "sgemm" if at.aval.dtype.itemsize == 4 else "dgemm"
    signature = ir.FunctionType(ir.VoidType(), [POINTER])
    b.call(module.globals.get(name) or ir.Function(module, signature, name), [call])


def multiply_whole(body: Body, dtype: Any, matrices: Matrices, turned: list[bool], size: Size) -> None:
    """The definition, element by element."""
    rows, columns, inner = size.rows, size.columns, size.inner
    b, t = body.b, in_memory(dtype)
    variables: dict[int, Any] = {}

    def read(start: Any, i: Any, j: Any, across: int, down: int, turn: bool) -> Any:
        at = b.add(b.mul(j, constant(down)), i) if turn else b.add(b.mul(i, constant(across)), j)
        return b.load(b.gep(start, [at], source_etype=t), typ=t)

    def element() -> None:
        i, j = variables.get(0, constant(0)), variables.get(1, constant(0))

        def step(k: ir.Value, held: list[Any]) -> list[Any]:
            x = read(matrices.left, i, k, inner, rows, turned[0])
            y = read(matrices.right, k, j, columns, inner, turned[1])
            return [b.add(held[0], b.mul(x, y))]

        (total,) = counted(b, constant(0), constant(inner), 1, step, [ir.Constant(t, 0)])
        b.store(total, b.gep(matrices.target, [b.add(b.mul(i, constant(columns)), j)], source_etype=t))

    nest(b, [Axis(0, rows), Axis(1, columns)], variables, element)
