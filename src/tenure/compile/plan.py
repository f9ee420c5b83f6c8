"""The forms of a compiled program before code: kernels in order, with what each computes, reads and writes.

    kernel 0: stores %3; keeps %1 %2; reads %0; rows [8] of [64]
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tenure.compile.index import Affine, Index, loop
from tenure.ir.kind import Role
from tenure.ir.program import Instruction, Program


class Domain(NamedTuple):
    """The rows that a kernel goes over: a shape, of which the axes from ``cut`` on are the row."""

    shape: tuple[int, ...]
    cut: int


class Member(NamedTuple):
    """A value that a kernel computes.

    ``at`` is the index, in the domain's loop variables, at which it (of a reduction: its operand) is computed;
    ``reads`` are the members among what it reads; ``phase`` is the pass over the row in which all of them are known.
    """

    role: Role
    at: Index
    reads: set[int]
    phase: int = 0


@dataclass(eq=False)
class Kernel:
    """One loop nest: the values that it stores, and what it reads.

    ``members`` are all values that it computes; those not stored live in registers or in a row of scratch. With a
    domain the kernel goes row by row, else several members are elementwise and of one shape. ``forms`` are the
    addresses it meets, ``place`` where it stands in the order, ``size`` the elements computed for each of its own.
    """

    values: list[int]
    reads: set[int]
    members: dict[int, Member] = field(default_factory=dict)
    domain: Domain | None = None
    forms: set[Affine] = field(default_factory=set)
    place: int = 0
    size: int = 0

    def __str__(self) -> str:
        kept = [v for v in self.members if v not in self.values]
        parts = [f"stores {names(self.values)}", f"reads {names(sorted(self.reads))}"]
        if kept:
            parts.insert(1, f"keeps {names(kept)}")
        if self.domain is not None:
            shape, cut = self.domain
            parts.append(f"rows {list(shape[:cut])} of {list(shape[cut:])}")
        return "; ".join(parts)


def names(values: list[int]) -> str:
    """Values as a program is printed."""
    return " ".join(f"%{v}" for v in values)


@dataclass
class Plan:
    """Kernels in order, and the values that lie in buffers; ``subviews`` are those that are parts of inputs."""

    program: Program
    stored: set[int]
    kernels: list[Kernel]
    subviews: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n".join(f"kernel {k}: {kernel}" for k, kernel in enumerate(self.kernels))


def identity(shape: tuple[int, ...]) -> Index:
    """The index of a loop nest over a shape."""
    return tuple([loop(k) for k in range(len(shape))])


def instruction(program: Program, v: int) -> Instruction:
    """The instruction that defines a value."""
    return program.instructions[v - len(program.inputs)]
