"""Elementwise operations of any size: what runs one that no program was compiled for.

    void map(ptr list, i64 n)

``list`` is a list object of the operands' arrays and the result's, flat or single numbers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.elements import Emitter, widths
from tenure.compile.emit import item, member
from tenure.compile.index import loop
from tenure.compile.jit import engine
from tenure.compile.math.lanes import Builder as Lines
from tenure.compile.nests import vectorized
from tenure.compile.objects import DATA, ITEMS
from tenure.ir.aval import Aval
from tenure.ir.program import Builder, Instruction

POINTER, I64 = ir.PointerType(), ir.IntType(64)


def map_source(at: Instruction, avals: list[Aval], params: dict[str, Any]) -> ir.Module:
    """The module of ``map`` for an operation on operands of these kinds: two elements stand for n."""
    builder = Builder()
    xs = [builder.input(aval) for aval in avals]
    y = at.primitive(*xs, **params) if xs else builder.emit(at.primitive, xs, params)
    program = builder.extract([x.id for x in xs], [y.id])
    module = ir.Module(name="map")
    main = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64]), "map")
    bits = engine().target.vector_bits
    b = Lines(main.append_basic_block("entry"), bits)
    items = member(b, main.args[0], ITEMS)
    pointers = {k: member(b, item(b, items, k), DATA) for k in range(len(xs) + 1)}
    index = (loop(0),) if y.ndim else ()

    def step(i: ir.Value, width: int) -> None:
        e = Emitter(program, set(range(len(xs))), b, pointers, {0: i}, 0, width)
        e.store(e.at(y.id, index), pointers[len(xs)], loop(0), y.dtype)

    width = widths([y.aval], bits)
    vectorized(b, ir.Constant(I64, 0), main.args[1], width, step)
    b.ret_void()
    return module
