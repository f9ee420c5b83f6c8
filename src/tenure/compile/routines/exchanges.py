"""The order of rows after exchanges, one after the other: what LAPACK's pivots mean.

    buffers  pivots (int32, from 1), result (int64)
    numbers  lists, pivots of a list, rows
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from tenure.compile.nests import constant, counted
from tenure.compile.routines.code import I32, I64, POINTER, at, load, store


def emit(module: ir.Module, name: str, bits: int) -> None:
    """Add the routine. A pivot that is no row is none of the row's: nothing is exchanged."""
    function = ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), name)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    pivots, out = (load(b, function.args[0], k, POINTER) for k in range(2))
    lists, count, rows = (load(b, function.args[1], k) for k in range(3))

    def one(i: ir.Value, _: list[Any]) -> list[Any]:
        own, order = at(b, pivots, b.mul(i, count), I32), at(b, out, b.mul(i, rows))

        def begin(k: ir.Value, _: list[Any]) -> list[Any]:
            store(b, k, order, k)
            return []

        def swap(k: ir.Value, _: list[Any]) -> list[Any]:
            j = b.sub(b.sext(load(b, own, k, I32), I64), constant(1))
            j = b.select(b.icmp_unsigned("<", j, rows), j, k)
            here, there = load(b, order, k), load(b, order, j)
            store(b, there, order, k)
            store(b, here, order, j)
            return []

        counted(b, constant(0), rows, 1, begin)
        counted(b, constant(0), count, 1, swap)
        return []

    counted(b, constant(0), lists, 1, one)
    b.ret(constant(0))
