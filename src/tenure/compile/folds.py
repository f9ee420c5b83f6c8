"""Reductions, in an order that depends on the reduced lengths alone.

Axes of size 1 are dropped; the others are reduced in runs of neighbours, the last run first. Each run is one fold of
contiguous data seen as (outer, n, inner), where n is the product of the run's sizes; n = 1 is a copy.

* Columns (inner > 1). Each column by itself: up to 8 elements are combined in order. Longer columns: so for each
  8 elements, and their results are a column again.
* Rows (inner = 1). Up to 512 elements: element k goes to lane k mod 64, and each lane is a column; then lanes k and
  k + 32 are combined, k and k + 16, … k and k + 1. Up to 65536 elements: so for each 512, and their results are a
  column. Longer rows: so for each 65536, and their results are a row again.

``ops.reduce.ordered`` says so in NumPy. The error grows with the logarithm of the length, as in pairwise summation:
for equal elements too, where the roundings of one long chain have all one sign.

Where an operand is missing (a short row, the last block) it counts as neutral, which changes no bit: −0.0 for a sum,
∓∞ for max and min. A float max or min of a and b is a if a > b (a < b), else b, and the result is NaN if any element
is; nothing at all sums up to 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from tenure.compile.combine import I1, Combine, loops
from tenure.compile.element_types import LLVM, widths
from tenure.compile.index import Affine, address, loop
from tenure.compile.nests import Axis, Turn, along, constant, counted, grouped, least, merge, nest
from tenure.compile.plan import identity, instruction
from tenure.compile.symbolic import Tracer
from tenure.dtypes import DType
from tenure.ir.program import Instruction
from tenure.ops.order import LANES

if TYPE_CHECKING:
    from tenure.compile.body import Body

BLOCKS = -2
"""The loop variable that counts the blocks of a reduced run."""

def operand_forms(body: Body, x: int) -> set[Affine]:
    """The addresses that reading the operand element by element meets."""
    t = Tracer(body.program, body.plan.stored)
    t.at(x, identity(body.program.aval(x).shape))
    return t.forms


def result_address(at: Instruction, shape: tuple[int, ...]) -> Affine:
    """The index of the result of a reduction, from an index of its operand; blocks are counted by BLOCKS."""
    run = at.params["axes"]
    counter = [loop(BLOCKS)] if "block" in at.params else []
    kept = [loop(k) for k in range(len(shape)) if k not in run]
    before = sum(k < run[-1] for k in range(len(shape)) if k not in run)
    return address((*kept[:before], *counter, *kept[before:]), at.aval.shape)


def fold_rows(body: Body, v: int, operation: str) -> None:
    """A reduction along the last axes."""
    program = body.program
    at = instruction(program, v)
    x, run, block = at.operands[0], at.params["axes"], at.params.get("block", 0)
    shape, dtype = program.aval(x).shape, program.aval(v).dtype
    forms, out = operand_forms(body, x), result_address(at, shape)
    kept = merge(shape, range(run[0]), forms | {out})
    reduced = merge(shape, run, forms)
    axes = reduced or [Axis(-1, 0)]
    width = min(widths([program.aval(x)], body.bits), LANES)

    def row(variables: dict[int, Any]) -> None:
        total = row_total(body, x, operation, dtype, axes, variables, width, block)
        e = body.emitter(set(), variables, None, 1)
        e.store(total, body.pointer(v), out, dtype)

    blocks = [Axis(BLOCKS, -(-prod([axis.size for axis in axes]) // block))] if block else []
    rows(body, [*kept, *blocks], row, shape[: run[0]])


def rows(body: Body, kept: list[Axis], row: Any, shape: tuple[int, ...]) -> None:
    """A loop nest over what is kept, items along its first axis."""
    if 0 in shape:
        return
    if not kept:
        row({})
        return
    variables: dict[int, Any] = {}
    body.items = kept[0].size

    def outer(i: ir.Value, _: list[Any]) -> list[Any]:
        variables[kept[0].name] = i
        nest(body.b, kept[1:], variables, lambda: row(variables))
        return []

    counted(body.b, body.first, body.last, 1, outer)


def row_total(
    body: Body, x: int, operation: str, dtype: DType,
    axes: Sequence[Axis], variables: dict[int, Any], width: int, block: int,
) -> ir.Value:  # fmt: skip
    """The reduction of one row, or of the block of it that the variable BLOCKS counts."""
    b, t = body.b, LLVM[dtype.name]
    fold = Combine(b, operation, dtype)
    size = prod([axis.size for axis in axes])
    if size == 0:
        return fold.empty(t)
    index = identity(body.program.aval(x).shape)
    wide = ir.VectorType(t, width)

    parts = LANES // width
    most = -(-min(block or size, size) // LANES)
    turns = loops([dtype], LANES, parts, most, body.bits)

    def pieces(turn: int, at: ir.Value, live: int) -> list[ir.Value]:
        found = []
        for u in range(turn * parts // turns, min((turn + 1) * parts // turns, -(-live // width))):
            i, left = b.add(at, constant(u * width)), min(width, live - u * width)
            e = body.emitter(set(), {**variables, **along(b, axes, i)}, axes[-1].name, width, left)
            y = e.splat(e.at(x, index))
            if left < width:
                mask = ir.Constant(ir.VectorType(I1, width), [int(k < left) for k in range(width)])
                y = b.select(mask, y, fold.start(wide))
            found.append(y)
        return found

    def piece(turn: int, at: ir.Value, live: int, held: list[Any]) -> list[Any]:
        return fold.step(held, pieces(turn, at, live))

    ends: tuple[ir.Value, ir.Value] = constant(0), constant(size)
    if block:
        first = b.mul(variables[BLOCKS], constant(block))
        ends = first, least(b, b.add(first, constant(block)), constant(size))
    merge = fold.merge if fold.grouped else None
    each: list[Turn] = [(partial(piece, turn), fold.held(wide, parts // turns)) for turn in range(turns)]
    closed = lambda found: fold.closed(fold.joined(found))  # noqa: E731
    return fold.total(grouped(b, ends, size, LANES, most, each, closed, merge))


def search(body: Body, v: int, operation: str) -> None:
    """The index of the first max or min; the first NaN, if there is one."""
    program = body.program
    at = instruction(program, v)
    x, axis = at.operands[0], at.params["axis"]
    shape, dtype = program.aval(x).shape, program.aval(x).dtype
    kept_axes = [k for k in range(len(shape)) if k != axis]
    out = address(tuple([loop(k) for k in kept_axes]), program.aval(v).shape)
    kept = merge(shape, kept_axes, operand_forms(body, x) | {out})
    index = identity(shape)
    b = body.b

    def row(variables: dict[int, Any]) -> None:
        e = body.emitter(set(), {**variables, axis: constant(0)}, None, 1)
        first = e.at(x, index)

        def step(i: ir.Value, carried: list[Any]) -> list[Any]:
            best, where = carried
            e = body.emitter(set(), {**variables, axis: i}, None, 1)
            y = e.at(x, index)
            better = e.compare(">" if operation == "max" else "<", y, best)
            if dtype.kind == "f":
                new_nan = b.and_(e.compare("!=", y, y), e.compare("==", best, best))
                better = b.or_(better, new_nan)
            return [b.select(better, y, best), b.select(better, i, where)]

        _, where = counted(b, constant(1), constant(shape[axis]), 1, step, [first, constant(0)])
        e = body.emitter(set(), variables, None, 1)
        e.store(where, body.pointer(v), out, program.aval(v).dtype)

    rows(body, kept, row, tuple([shape[k] for k in kept_axes]))
