"""Reductions, in an order that depends on the reduced lengths alone.

Along the last axes: 64 logical lanes, element k going to lane k mod 64, then lanes k and k + 32, k and k + 16, …
Along other axes: row after row in blocks of 64 rows, then block after block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llvmlite import ir

from tenure.compile import math
from tenure.compile.elements import LLVM, Emitter, widths
from tenure.compile.fuse import identity, instruction
from tenure.compile.index import Affine, address, loop
from tenure.compile.loops import Axis, constant, counted, merge, nest
from tenure.compile.symbolic import Tracer
from tenure.dtypes import DType

if TYPE_CHECKING:
    from tenure.compile.body import Body

LANES = 64


def neutral(operation: str, dtype: DType) -> float | int:
    """What a reduction starts from: it changes no other element, not even −0.0."""
    if operation == "add":
        return -0.0 if dtype.kind == "f" else 0
    low = operation == "max"
    if dtype.kind == "f":
        return float("-inf") if low else float("inf")
    if dtype.kind == "b":
        return 0 if low else 1
    limit: int = 2 ** (8 * dtype.itemsize - 1)
    return -limit if low else limit - 1


def combine(e: Emitter, operation: str, x: ir.Value, y: ir.Value) -> ir.Value:
    """One step of a reduction."""
    if operation == "add":
        return e.add(x, y)
    x, y = e.level(x, y)
    element = x.type.element if isinstance(x.type, ir.VectorType) else x.type
    if element == ir.IntType(1):
        return e.b.or_(x, y) if operation == "max" else e.b.and_(x, y)
    return math.FUNCTIONS["maximum" if operation == "max" else "minimum"](e.b, x, y)


def operand_forms(body: Body, x: int) -> set[Affine]:
    """The addresses that reading the operand element by element meets."""
    t = Tracer(body.program, body.plan.stored)
    t.at(x, identity(body.program.aval(x).shape))
    return t.forms


def fold_rows(body: Body, v: int, operation: str) -> None:
    """A reduction along the last axes."""
    program = body.program
    at = instruction(program, v)
    x = at.operands[0]
    shape, dtype = program.aval(x).shape, program.aval(v).dtype
    cut = len(shape) - len(at.params["axes"])
    forms = operand_forms(body, x)
    kept = merge(shape, range(cut), forms | {address(identity(shape[:cut]), shape[:cut])})
    reduced = merge(shape, range(cut, len(shape)), forms)
    axis = reduced[0] if reduced else Axis(-1, 0 if 0 in shape[cut:] else 1)
    width = min(widths([program.aval(x)], body.bits), LANES)

    def row(variables: dict[int, Any]) -> None:
        total = row_total(body, x, operation, dtype, axis, variables, width)
        e = body.emitter(set(), variables, None, 1)
        e.store(total, body.pointer(v), address(identity(shape[:cut]), shape[:cut]), dtype)

    rows(body, kept, row, shape[:cut])


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
    body: Body, x: int, operation: str, dtype: DType, axis: Axis, variables: dict[int, Any], width: int
) -> ir.Value:
    """The reduction of one row."""
    b, t = body.b, LLVM[dtype.name]
    if axis.size == 0:
        return ir.Constant(t, 0.0 if dtype.kind == "f" else 0)
    index = identity(body.program.aval(x).shape)
    wide = body.emitter(set(), variables, axis.name, width)

    def piece(i: ir.Value, u: int) -> ir.Value:
        e = body.emitter(set(), {**variables, axis.name: b.add(i, constant(u * width))}, axis.name, width)
        return e.splat(e.at(x, index))

    def chunk(i: ir.Value, held: list[Any]) -> list[Any]:
        return [combine(wide, operation, acc, piece(i, u)) for u, acc in enumerate(held)]

    whole = axis.size - axis.size % LANES
    start = wide.splat(ir.Constant(t, neutral(operation, dtype)))
    sums = [start] * (LANES // width)
    if whole:
        sums = counted(b, constant(0), constant(whole), LANES, chunk, sums)
    for u in range(-(-(axis.size - whole) // width)):
        live = min(width, axis.size - whole - u * width)
        e = body.emitter(set(), {**variables, axis.name: constant(whole + u * width)}, axis.name, width, live)
        rest = e.splat(e.at(x, index))
        if live < width:
            mask = ir.Constant(ir.VectorType(ir.IntType(1), width), [int(k < live) for k in range(width)])
            rest = b.select(mask, rest, start)
        sums[u] = combine(wide, operation, sums[u], rest)
    return tree(wide, operation, sums, width)


def tree(e: Emitter, operation: str, parts: list[Any], width: int) -> ir.Value:
    """Lanes k and k + half, half after half."""
    while len(parts) > 1:
        half = len(parts) // 2
        parts = [combine(e, operation, parts[k], parts[k + half]) for k in range(half)]
    x, i32 = parts[0], ir.IntType(32)
    while width > 1:
        width //= 2
        nothing = ir.Constant(x.type, ir.Undefined)
        low, high = (
            e.b.shuffle_vector(x, nothing, ir.Constant(ir.VectorType(i32, width), list(range(k, k + width))))
            for k in (0, width)
        )
        x = combine(e, operation, low, high)
    return e.b.extract_element(x, ir.Constant(i32, 0))


def fold_columns(body: Body, v: int, operation: str) -> None:
    """A reduction along axes that are not the last: row after row, vectors along what is kept."""
    program = body.program
    at = instruction(program, v)
    x, axes = at.operands[0], at.params["axes"]
    shape, aval = program.aval(x).shape, program.aval(v)
    kept_axes = [k for k in range(len(shape)) if k not in axes]
    out = address(tuple([loop(k) for k in kept_axes]), aval.shape)
    forms = operand_forms(body, x)
    kept = merge(shape, kept_axes, forms | {out})
    reduced = merge(shape, axes, forms)
    index = identity(shape)
    start = ir.Constant(LLVM[aval.dtype.name], neutral(operation, aval.dtype))
    empty = any(shape[k] == 0 for k in axes)

    def column(variables: dict[int, Any], lane: int | None, w: int) -> None:
        e = body.emitter(set(), variables, lane, w)
        if empty:
            total = ir.Constant(start.type, 0.0 if aval.dtype.kind == "f" else 0)
        else:
            total = over(body, reduced, variables, lane, w, e.splat(start), operation, x, index)
        e.store(total, body.pointer(v), out, aval.dtype)

    if all(aval.shape):
        width = 4 * widths([program.aval(x)], body.bits)  # four vectors a row, for the sake of whole cache lines
        body.spread(kept, width, column, block=2 * width)


def over(
    body: Body, axes: list[Axis], variables: Any, lane: Any, w: int, held: Any, operation: str, x: int, index: Any
) -> ir.Value:
    """The rows of the reduced axes, in blocks along the last of them."""
    b, dtype = body.b, body.program.aval(x).dtype
    if not axes:
        e = body.emitter(set(), variables, lane, w)
        return combine(e, operation, held, e.splat(e.at(x, index)))
    axis, rest = axes[0], axes[1:]

    def inner(i: ir.Value, carried: list[Any]) -> list[Any]:
        return [over(body, rest, {**variables, axis.name: i}, lane, w, carried[0], operation, x, index)]

    if rest:
        return counted(b, constant(0), constant(axis.size), 1, inner, [held])[0]

    def block(i: ir.Value, carried: list[Any]) -> list[Any]:
        end = b.add(i, constant(LANES))
        stop = b.select(b.icmp_signed("<", end, constant(axis.size)), end, constant(axis.size))
        fresh = body.emitter(set(), variables, lane, w)
        first = fresh.splat(ir.Constant(LLVM[dtype.name], neutral(operation, dtype)))
        part = counted(b, i, stop, 1, inner, [first])[0]
        return [combine(fresh, operation, carried[0], part)]

    return counted(b, constant(0), constant(axis.size), LANES, block, [held])[0]


def search(body: Body, v: int, operation: str) -> None:
    """Where the first max or min lies; the first NaN, if there is one."""
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
