"""Short rows side by side: vectors whose lanes go over the last two axes of a loop nest.

    y[i, j] = x[i] * w[j]   of rows of 3, in lanes of 4:     i + 0 0 0 1,  j = 0 1 2 0
                                                             i + 1 1 2 2,      1 2 0 1
                                                             i + 2 3 3 3,      2 0 1 2

As many rows as make whole vectors are a step. An operand is read once and its elements put into the lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any

from llvmlite import ir

from tenure.compile.element_types import size_of
from tenure.compile.index import Affine
from tenure.compile.nests import Axis
from tenure.compile.strided import gathered

MOST = 5
"""Vectors of a step: each is code of its own."""

Lanes = list[dict[int, list[int]]]


def side_by_side(axes: Sequence[Axis], width: int) -> Lanes:
    """The vectors of a step over the last two axes, each as its lanes' offsets by axis; none where rows are longer
    than vectors, or too few."""
    if len(axes) < 2 or not 1 < axes[-1].size < width:
        return []
    down, across = axes[-2:]
    count, rows = across.size // gcd(across.size, width), width // gcd(across.size, width)
    if count > MOST or down.size < rows:
        return []
    places = [[divmod(u * width + k, across.size) for k in range(width)] for u in range(count)]
    return [{down.name: [i for i, _ in at], across.name: [j for _, j in at]} for at in places]


def in_a_row(steps: Sequence[int]) -> bool:
    """Whether lanes are neighbours, in order."""
    return list(steps) == list(range(steps[0], steps[0] + len(steps)))


def load(e: Any, pointer: ir.Value, where: Affine, t: ir.Type) -> ir.Value:
    """The elements at an address, in the lanes of an emitter: those that lie together are read at once."""
    steps = e.steps(where)
    first, found = min(steps), sorted(set(steps))
    i32, b = ir.IntType(32), e.b

    def at(step: int) -> ir.Value:
        return b.gep(pointer, [e.scalar(where + step)], source_etype=t)

    if in_a_row(found):
        read = b.load(at(first), typ=ir.VectorType(t, len(found)), align=size_of(t))
        if steps == found:
            return read
    else:
        read = gathered(b, at(0), t, found, len(found))
    order = ir.Constant(ir.VectorType(i32, len(steps)), [found.index(step) for step in steps])
    return b.shuffle_vector(read, read, order)
