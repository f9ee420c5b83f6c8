"""Members of a kernel that are better computed apart, or stored: dear single elements, and rows that are long."""

from __future__ import annotations

from math import prod

from tenure.compile.plan import Kernel, instruction
from tenure.ir.kind import Role
from tenure.ir.program import Program
from tenure.ops.order import HEIGHT

SCRATCH = 1 << 14
"""Bytes of scratch rows that lie on the stack; longer rows are stored."""


def heavy_leaves(program: Program, kernel: Kernel, stored: set[int]) -> list[int]:
    """Dear single elements of many rows that no member reads: several at once are faster computed on their own."""
    if kernel.domain is None or prod(kernel.domain.shape[: kernel.domain.cut]) < HEIGHT:
        return []
    read = set().union(*[m.reads for m in kernel.members.values()])
    leaves = [v for v, m in kernel.members.items() if m.role is Role.SINGLE and v not in read]
    return [v for v in leaves if heavy(program, v, stored)]


def heavy(program: Program, v: int, stored: set[int]) -> bool:
    """Whether an elementwise value takes an elementary function to compute."""
    at = instruction(program, v)
    if at.primitive.lower.heavy:
        return True
    return any(heavy(program, o, stored) for o in at.operands if o not in stored)


def long_rows(program: Program, kernel: Kernel, needed: set[int]) -> list[int]:
    """Members whose rows would take too much scratch."""
    if kernel.domain is None:
        return []
    n = prod(kernel.domain.shape[kernel.domain.cut :])
    out, room = [], 0
    for v, found in kernel.members.items():
        if v not in needed and found.role is Role.ROW:
            room += n * program.aval(v).dtype.itemsize
            if room > SCRATCH:
                out.append(v)
    return out
