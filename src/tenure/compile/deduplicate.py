"""Kernels that do the same to other buffers are one function: a loop that was recorded step by step, layers alike.

    kernel0: %5 = add %0 %4;  kernel1: %9 = add %5 %8      becomes      one function, called with two lists

A kernel sees the values that it touches by their places in its own list of addresses. Two kernels are one if their
instructions agree when values are numbered in the order in which they are met.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tenure.compile.index import Affine
from tenure.compile.plan import Kernel, Plan, instruction


@dataclass
class Local:
    """A kernel by itself: ``key`` describes it, ``slots`` are the places of its values among ``entries``, the slots
    of the program's table that it is called with."""

    key: str = ""
    slots: dict[int, int] = field(default_factory=dict)
    entries: list[int] = field(default_factory=list)


def localize(plan: Plan, kernel: Kernel, table: dict[int, int]) -> Local:
    """Number what a kernel touches."""
    local, numbers, lines = Local(), dict[int, int](), list[str]()
    places: dict[int, int] = {}
    pending = list(reversed(kernel.members))
    inside = set(kernel.members)
    while pending:
        v = pending.pop()
        if v in numbers:
            continue
        numbers[v] = len(numbers)
        lines.append(f"{numbers[v]} {plan.program.aval(v)}")
        if v in plan.stored:
            local.slots[v] = places.setdefault(table[v], len(places))
            lines.append(f"at {local.slots[v]}")
        if v in inside or v not in plan.stored:
            pending.extend(reversed(instruction(plan.program, v).operands))
    for v in numbers:
        if v in inside or v not in plan.stored:
            at = instruction(plan.program, v)
            operands = [numbers[o] for o in at.operands]
            lines.append(f"{numbers[v]} {at.primitive} {operands} {sorted(at.params.items())!r}")
    for v in kernel.values:
        if ~v in table:
            local.slots[~v] = places.setdefault(table[~v], len(places))
            lines.append(f"room at {local.slots[~v]}")
    local.entries = list(places)
    lines.append(f"{kernel.domain} {[numbers[v] for v in kernel.values]}")
    for v, member in kernel.members.items():
        index = [renumbered(i, numbers) for i in member.at]
        lines.append(f"{numbers[v]} {member.role} {index} {sorted([numbers[r] for r in member.reads])}")
    local.key = "\n".join(lines)
    return local


def renumbered(i: Affine, numbers: dict[int, int]) -> str:
    """A sum as text, its reads by the kernel's own numbers."""
    reads = [
        (numbers[read.value], [renumbered(part, numbers) for part in read.index], read.wrap, c) for read, c in i.reads
    ]
    return f"{i.terms} {i.constant} {reads}"
