"""Calls of routines in the code of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llvmlite import ir

from tenure.compile.nests import stack
from tenure.compile.plan import instruction
from tenure.compile.routines.code import I64, POINTER, store
from tenure.compile.stored import lying

if TYPE_CHECKING:
    from tenure.compile.body import Body


def emit_routine(body: Body, v: int, lower: Any) -> None:
    """The call that computes a value."""
    at, b, module = instruction(body.program, v), body.b, body.function.module
    if not at.aval.size:
        return
    avals = [body.program.aval(o) for o in at.operands]
    addresses = [body.pointer(x) for x in (*lying(body.program, at, body.plan.stored), v)]
    if lower.room(at.aval, avals, at.params):
        addresses.append(body.pointer(~v))
    buffers = stack(b, ir.ArrayType(POINTER, len(addresses)))
    for k, address in enumerate(addresses):
        store(b, address, buffers, k)
    given = lower.numbers(at.aval, avals, **at.params)
    numbers = stack(b, ir.ArrayType(I64, len(given)))
    for k, number in enumerate(given):
        store(b, I64(number), numbers, k)
    name = lower.symbol(avals)
    function = module.globals.get(name) or ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), name)
    b.call(function, [buffers, numbers])
