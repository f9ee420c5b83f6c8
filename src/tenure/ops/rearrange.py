"""Rearrangements in primitives: repetition, rotation, windows, triangles and diagonals."""

from __future__ import annotations

from typing import Any

from tenure import dtypes
from tenure.errors import ShapeError
from tenure.ir.program import Value
from tenure.ops import advanced, index, move, pointwise
from tenure.ops.promote import as_type, common
from tenure.ops.select import counting

Shape = tuple[int, ...]


def shaped(x: Value, shape: Shape) -> Value:
    """x in a shape, itself where that is its own."""
    return x if x.shape == shape else move.reshape(x, shape=shape)


def ordered(x: Value, order: Shape) -> Value:
    """x with its axes in an order, itself where that is its own."""
    return x if order == tuple(range(x.ndim)) else move.permute(x, order=order)


def part(x: Value, axis: int, start: int, length: int) -> Value:
    """A contiguous part along one axis."""
    spec = tuple([(length, 1) if k == axis else ":" for k in range(x.ndim)])
    return index.getitem(x, x.builder.constant(start if length else 0, dtypes.int64), spec=spec)


def tiled(x: Value, *, counts: Shape) -> Value:
    """x repeated as a whole, so often along each of the last axes."""
    counts = (*[1] * (x.ndim - len(counts)), *counts)
    sizes = (*[1] * (len(counts) - x.ndim), *x.shape)
    once, often = [], []
    for n, count in zip(sizes, counts, strict=True):
        once += [n] if count == 1 else [1, n]
        often += [n] if count == 1 else [count, n]
    whole = tuple([n * count for n, count in zip(sizes, counts, strict=True)])
    if once == often:
        return shaped(x, whole)
    return shaped(move.broadcast_to(shaped(x, tuple(once)), shape=tuple(often)), whole)


def interleaved(x: Value, *, axis: int, count: int) -> Value:
    """x with each part along an axis repeated."""
    before, n, behind = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    apart = move.broadcast_to(shaped(x, (*before, n, 1, *behind)), shape=(*before, n, count, *behind))
    return shaped(apart, (*before, n * count, *behind))


def rolled(x: Value, *starts: Value, axes: Shape) -> Value:
    """x with the elements along axes in the order that begins at a start, those before it behind the last."""
    for start, k in zip(starts, axes, strict=True):
        n = x.shape[k]
        at = counting(x, n, 0, 1) + as_type(start, dtypes.int64)
        at = pointwise.where(pointwise.greater_equal(at, at.coerce(n)), at - n, at)
        spec = tuple(["a" if axis == k else ":" for axis in range(x.ndim)])
        x = advanced.gather(x, at, spec=spec, at=k, unique=True)
    return x


def windows(x: Value, *, axis: int, size: int, step: int) -> Value:
    """The parts of some size along an axis, one every ``step`` elements, the elements of each as the last axis."""
    count = (x.shape[axis] - size) // step + 1
    first = counting(x, count, 0, 2)
    at = first * step + counting(x, size, 1, 2)
    spec = tuple(["a" if k == axis else ":" for k in range(x.ndim)])
    found = advanced.gather(x, at, spec=spec, at=axis, unique=step >= size)
    return ordered(found, tuple([k for k in range(found.ndim) if k != axis + 1] + [axis + 1]))


def triangle(x: Value, k: Value, *, upper: bool) -> Value:
    """The elements of matrices on one side of a diagonal, and on it; zeros on the other side."""
    rows, columns = counting(x, x.shape[-2], 0, 2), counting(x, x.shape[-1], 1, 2)
    edge = rows + as_type(k, dtypes.int64)
    kept = pointwise.greater_equal(columns, edge) if upper else pointwise.less_equal(columns, edge)
    return pointwise.where(kept, x, x.coerce(0))


def on_diagonal(x: Value, *, offset: int, first: int, second: int) -> Value:
    """Zeros but for the last axis of x, which becomes a diagonal between two axes of the result."""
    lead, size = x.ndim - 1, x.shape[-1] + abs(offset)
    widths = (*[(0, 0)] * lead, (max(-offset, 0), max(offset, 0)))
    wide = move.pad(x, widths=widths) if offset else x
    rows, columns = counting(x, size, 0, 2), counting(x, size, 1, 2)
    square = pointwise.where(pointwise.equal(columns, rows + offset), shaped(wide, (*wide.shape, 1)), x.coerce(0))
    order = [0] * square.ndim
    order[first], order[second] = lead, lead + 1
    for k, at in enumerate([at for at in range(square.ndim) if at not in (first, second)]):
        order[at] = k
    return ordered(square, tuple(order))


def blocks(*xs: Value) -> Value:
    """Matrices along the diagonal of one that is zero elsewhere."""
    for x in xs:
        if x.ndim > 2:
            raise ShapeError(f"block_diag: a tensor of shape {list(x.shape)}, where matrices are wanted")
    matrices = [shaped(x, (*[1] * (2 - x.ndim), *x.shape)) for x in common(*xs)]
    width, start, rows = sum([m.shape[1] for m in matrices]), 0, []
    for m in matrices:
        end = start + m.shape[1]
        rows.append(move.pad(m, widths=((0, 0), (start, width - end))))
        start = end
    return rows[0] if len(rows) == 1 else move.concat(*rows, axis=0)


def joined_flat(*xs: Value) -> Value:
    """The elements of all operands in one row."""
    return move.concat(*[shaped(x, (x.aval.size,)) for x in common(*xs)], axis=0)


def joined_as(*xs: Value, axis: int, lead: Any, name: str) -> Value:
    """Operands joined along an axis, each in the shape that ``lead`` makes of its own."""
    if len({x.ndim for x in xs if x.ndim > 2}) > 1:
        raise ShapeError(f"{name}: shapes {[list(x.shape) for x in xs]} differ in their number of axes")
    return move.concat(*[shaped(x, lead(x.shape)) for x in common(*xs)], axis=axis)
