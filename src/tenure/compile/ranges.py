"""Ranges that values of a program must lie in when it runs, from the traits of its primitives.

    y = gather x i        becomes        each element of i lies in [−n, n), n the size of the axis
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tenure.compile.plan import instruction
from tenure.ir.program import Instruction, Program
from tenure.ir.traits import Limit


class Bound(NamedTuple):
    """The elements of a value, of floats their bits, must lie in [low, low + size)."""

    value: int
    low: int
    size: int


def bounds_of(program: Program, at: Instruction) -> list[Bound]:
    """Ranges of operands when an instruction runs: indices lie in their axis, whole numbers keep to the limit of the
    primitive, floats to its interval."""
    found: list[Bound] = []
    traits, operands = at.primitive.traits, at.operands
    limit = traits.limit
    if limit is not None and limit.concerns(program.aval(operands[limit.operand]).dtype.kind) and at.aval.size:
        found += within_limit(program, operands[limit.operand], limit)
    if traits.interval is not None and at.aval.size:
        interval = traits.interval(**at.params)
        x = operands[interval.operand]
        number = number_of(program, x)
        if number is None or not interval.admits(number):
            found.append(Bound(x, *interval.window(np, program.aval(x).dtype.numpy)))
    if traits.indices is not None:
        for within in traits.indices(*[program.aval(o) for o in operands], **at.params):
            v, size = operands[within.operand], within.size
            if not counts_up(program, v, size):
                found.append(Bound(v, -size, 2 * size))
    return found


def reads_by(at: Instruction) -> bool:
    """Whether an instruction may run only after its ranges were checked, as it reads or writes by them."""
    limit, indices = at.primitive.traits.limit, at.primitive.traits.indices
    return indices is not None or (limit is not None and not limit.computable)


def source(program: Program, v: int) -> int:
    """The value whose elements, as the same numbers, are those of another."""
    n = len(program.inputs)
    while v >= n:
        at = instruction(program, v)
        preserves = at.primitive.traits.preserves
        if preserves is None or not preserves(program.aval(at.operands[0]), at.aval):
            break
        v = at.operands[0]
    return v


def within_limit(program: Program, v: int, limit: Limit) -> list[Bound]:
    """The range that keeps whole numbers to a limit: of the number that they are, if they are all one; none for a
    constant that keeps to it."""
    n, at = len(program.inputs), source(program, v)
    if at >= n and instruction(program, at).primitive.traits.number is not None:
        number = number_of(program, at)
        if type(number) is int and abs(number) < 2**31 and limit.admits(number):
            return []
    alone = at < n and program.inputs[at].weak and program.inputs[at].dtype.kind == "i"
    checked = at if alone else v
    return [Bound(checked, *limit.window(8 * program.aval(checked).dtype.itemsize))]


def number_of(program: Program, v: int) -> Any:
    """The number that every element of a value is, if the program says so."""
    if v < len(program.inputs):
        return None
    at = instruction(program, v)
    number = at.primitive.traits.number
    return None if number is None else number(**at.params)


def counts_up(program: Program, v: int, size: int) -> bool:
    """Whether the elements of a value are among 0, 1, 2, … below a size: they need no check."""
    v = source(program, v)
    return v >= len(program.inputs) and instruction(program, v).primitive.traits.counts and program.aval(v).size <= size
