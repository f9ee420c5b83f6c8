"""Parts of an input that are buffers of their own: an input of which only parts at known places are read.

    a = getitem p 0 spec=((32, 1),); b = getitem p 32 spec=((32, 1),)     becomes     two addresses, p and p + 128

Kernels that read like parts then do the same to other buffers, and are one function (``share``). Nobody writes into
such an input, and none of its parts is an output.
"""

from __future__ import annotations

from collections.abc import Mapping

from tenure.compile.ranges import number_of
from tenure.ir.program import Program
from tenure.ops.index import getitem


def find_subviews(program: Program) -> dict[int, tuple[int, int]]:
    """For each part, or what it is reshaped to, the input and where in it it begins, in bytes."""
    n = len(program.inputs)
    readers: dict[int, list[int]] = {}
    for k, at in enumerate(program.instructions):
        for o in at.operands:
            readers.setdefault(o, []).append(n + k)
    outputs = set(program.outputs)
    found: dict[int, tuple[int, int]] = {}
    for x, aval in enumerate(program.inputs):
        starts = {v: start for v in readers.get(x, ()) if (start := beginning(program, x, v)) is not None}
        if aval.ndim == 1 and x not in outputs and len(starts) == len(readers.get(x, ())) > 1:
            ends = {whole(program, v, readers): start for v, start in starts.items()}
            if not outputs & ends.keys():
                found.update({v: (x, start * aval.dtype.itemsize) for v, start in ends.items()})
    return found


def beginning(program: Program, x: int, v: int) -> int | None:
    """The offset of a value in x, if it is a part of x at a known place."""
    at = program.instructions[v - len(program.inputs)]
    if at.primitive is not getitem or at.operands[0] != x or len(at.operands) != 2:
        return None
    spec = at.params["spec"]
    if len(spec) != 1 or not isinstance(spec[0], tuple) or spec[0][1] != 1:
        return None
    number = number_of(program, at.operands[1])
    if number is None or not 0 <= number <= program.inputs[x].size - spec[0][0]:
        return None
    return int(number)


def whole(program: Program, v: int, readers: Mapping[int, list[int]]) -> int:
    """The reshape of a part, if that is its only use."""
    after = readers.get(v, [])
    if len(after) == 1 and program.instructions[after[0] - len(program.inputs)].primitive.traits.in_order:
        return after[0]
    return v
