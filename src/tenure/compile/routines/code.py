"""Vocabulary of the code of routines: words in memory, loops, tasks on the threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant

I1, I8, I32, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64)
POINTER, VOID = ir.PointerType(), ir.VoidType()
TASK = ir.FunctionType(VOID, [POINTER, I64, I64])
ROW = ir.FunctionType(VOID, [POINTER, I64, I64, I64, POINTER, POINTER])
"""Keys of a row, how many, the first place and the number of places wanted, the result, room."""
Body = Callable[[list[Any]], list[Any]]


def at(b: ir.IRBuilder, start: ir.Value, i: ir.Value | int, t: ir.Type = I64) -> ir.Value:
    """The address of element i behind a start."""
    return b.gep(start, [constant(i) if isinstance(i, int) else i], source_etype=t)


def load(b: ir.IRBuilder, start: ir.Value, i: ir.Value | int, t: ir.Type = I64) -> ir.Value:
    """Element i behind a start."""
    return b.load(at(b, start, i, t), typ=t)


def store(b: ir.IRBuilder, x: ir.Value, start: ir.Value, i: ir.Value | int) -> None:
    """Store element i behind a start."""
    b.store(x, at(b, start, i, x.type))


def repeat(
    b: ir.IRBuilder, more: Callable[[list[Any]], ir.Value], body: Body, carried: Sequence[ir.Value]
) -> list[Any]:
    """while more(carried): carried = body(carried)."""
    before = b.block
    head, inside, after = (b.append_basic_block(name) for name in ("while", "again", "done"))
    b.branch(head)
    b.position_at_end(head)
    phis = []
    for x in carried:
        phi = b.phi(x.type)
        phi.add_incoming(x, before)
        phis.append(phi)
    b.cbranch(more(phis), inside, after)
    b.position_at_end(inside)
    for phi, x in zip(phis, body(phis), strict=True):
        phi.add_incoming(x, b.block)
    b.branch(head)
    b.position_at_end(after)
    return phis


def least(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """The smaller of two numbers."""
    return b.select(b.icmp_signed("<", x, y), x, y)


def larger(b: ir.IRBuilder, x: ir.Value, y: ir.Value) -> ir.Value:
    """The larger of two numbers."""
    return b.select(b.icmp_signed(">", x, y), x, y)


def started(module: ir.Module, name: str, kind: ir.FunctionType) -> tuple[ir.Function, ir.IRBuilder]:
    """A function of this module alone, and its builder."""
    function = ir.Function(module, kind, name)
    function.linkage = "internal"
    return function, ir.IRBuilder(function.append_basic_block("entry"))


def share(b: ir.IRBuilder, task: ir.Function, context: ir.Value, items: ir.Value) -> None:
    """Run a task on its items, which threads take one by one; a single one here and now."""
    signature = ir.FunctionType(VOID, [POINTER, POINTER, I64, I64])
    parallel = b.module.globals.get("parallel") or ir.Function(b.module, signature, "parallel")
    with b.if_else(b.icmp_signed(">", items, constant(1))) as (several, alone):
        with several:
            b.call(parallel, [task, context, items, items])
        with alone:
            b.call(task, [context, constant(0), items])


def splat(b: ir.IRBuilder, x: ir.Value, width: int) -> ir.Value:
    """A number in every lane."""
    t = ir.VectorType(x.type, width)
    one = b.insert_element(ir.Constant(t, ir.Undefined), x, ir.Constant(I32, 0))
    return b.shuffle_vector(one, one, ir.Constant(ir.VectorType(I32, width), [0] * width))


def some(b: ir.IRBuilder, mask: ir.Value) -> ir.Value:
    """Whether any lane is true."""
    bits = ir.IntType(mask.type.count)
    return b.icmp_unsigned("!=", b.bitcast(mask, bits), ir.Constant(bits, 0))


def reduced(b: ir.IRBuilder, operation: str, x: ir.Value) -> ir.Value:
    """The lanes of a vector of integers combined."""
    t = x.type
    name = f"llvm.vector.reduce.{operation}.v{t.count}i{t.element.width}"
    function = b.module.globals.get(name) or ir.Function(b.module, ir.FunctionType(t.element, [t]), name)
    return b.call(function, [x])
