"""Rules for examples of indexed reads and writes (see ``batching``).

Where the index is the same for every example the axis of examples is one more axis that it leaves whole. Where
each example has its own, rows are looked up along the last axis, and basic indices become positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from tenure import dtypes
from tenure.ir.program import TABLE, Builder, Value
from tenure.ops.batching import examples, spread

Spec = tuple[Any, ...]
Shape = tuple[int, ...]


def basic_read(of: Any, batched: Sequence[bool], x: Value, *starts: Value, spec: Spec) -> Value:
    """getitem."""
    count = examples(batched, (x, *starts))
    if not any(batched[1:]):
        return of(x, *starts, spec=(":", *spec))  # type: ignore[no-any-return]
    shape = x.shape[1:] if batched[0] else x.shape
    place = positions(count, shape, spec, starts, batched[1:])
    if batched[0]:
        place = place + rows_of(count, prod(shape), place)
    return TABLE["gather"](flat(x), place)


def basic_write(of: Any, batched: Sequence[bool], x: Value, v: Value, *starts: Value, spec: Spec) -> Value:
    """setitem and additem."""
    count = examples(batched, (x, v, *starts))
    x, v = spread(x, batched[0], count), spread(v, batched[1], count)
    if not any(batched[2:]):
        return of(x, v, *starts, spec=(":", *spec))  # type: ignore[no-any-return]
    place = positions(count, x.shape[1:], spec, starts, batched[2:])
    place = flat(place + rows_of(count, prod(x.shape[1:]), place))
    write = TABLE["scatter_add"] if of.name == "additem" else overwrite
    return TABLE["reshape"](write(flat(x), flat(v), place), shape=x.shape)


def overwrite(x: Value, v: Value, place: Value) -> Value:
    """x with the elements v at distinct places; both of one axis."""
    if not v.shape[0]:
        return x
    b = x.builder
    nothing = b.full(x.shape, -1, dtypes.int64)
    source = TABLE["scatter_add"](nothing, iota(b, v.shape[0]) + 1, place)
    zero = source.coerce(0)
    taken = TABLE["gather"](v, TABLE["maximum"](source, zero))
    return TABLE["where"](TABLE["less"](source, zero), x, taken)


def positions(count: int, shape: Shape, spec: Spec, starts: Sequence[Value], batched: Sequence[bool]) -> Value:
    """Where in the flattened base each element of each example's selection lies: (count, *selection), int64."""
    b = starts[0].builder
    given = iter(zip(starts, batched, strict=True))
    sizes: list[int] = []
    terms: list[tuple[Value, bool, int | None, int]] = []
    axis = 0
    for entry in spec:
        if entry == "+":
            sizes.append(1)
            continue
        stride = prod(shape[axis + 1 :])
        if entry != ":":
            terms.append((*next(given), None, stride))
        if entry != "i":
            length, step = (shape[axis], 1) if entry == ":" else entry
            terms.append((iota(b, length), False, len(sizes), stride * step))
            sizes.append(length)
        axis += 1
    total = b.full((count, *sizes), 0, dtypes.int64)
    for x, has, at, stride in terms:
        along = [n if k == at else 1 for k, n in enumerate(sizes)]
        total = total + TABLE["reshape"](x, shape=(count if has else 1, *along)) * stride
    return total


def iota(b: Builder, length: int) -> Value:
    """0, 1, … length − 1 as int64."""
    return b.emit(TABLE["iota"], (), {"length": length, "dtype": dtypes.int64})


def rows_of(count: int, size: int, like: Value) -> Value:
    """Where the row of each example begins among rows of a size, to be added to what has its rank."""
    start = iota(like.builder, count) * size
    return TABLE["reshape"](start, shape=(count, *[1] * (like.ndim - 1)))


def flat(x: Value) -> Value:
    """All elements in one axis."""
    return TABLE["reshape"](x, shape=(x.aval.size,))


def row_read(of: Any, batched: Sequence[bool], x: Value, index: Value) -> Value:
    """gather: rows of the first axis."""
    if not batched[0]:
        return of(x, index)  # type: ignore[no-any-return]
    if not batched[1]:
        return swapped(of(swapped(x, 1), index), index.ndim, back=True)
    tail = x.shape[2:]
    taken = unrotated(TABLE["take_along"](rotated(x), wide(index, tail)))
    return TABLE["reshape"](taken, shape=(*index.shape, *tail))


def row_add(of: Any, batched: Sequence[bool], x: Value, v: Value, index: Value) -> Value:
    """scatter_add: into rows of the first axis."""
    count = examples(batched, (x, v, index))
    x, v = spread(x, batched[0], count), spread(v, batched[1], count)
    if not batched[2]:
        return swapped(of(swapped(x, 1), swapped(v, index.ndim), index), 1, back=True)
    tail = x.shape[2:]
    lines = TABLE["reshape"](v, shape=(count, prod(index.shape[1:]), *tail))
    return unrotated(TABLE["add_along"](rotated(x), rotated(lines), wide(index, tail)))


def swapped(x: Value, axes: int, back: bool = False) -> Value:
    """The axis of examples behind the next ``axes``; or from there to the front."""
    rest = range(axes + 1, x.ndim)
    order = (axes, *range(axes), *rest) if back else (*range(1, axes + 1), 0, *rest)
    return TABLE["permute"](x, order=order)


def rotated(x: Value) -> Value:
    """(examples, n, …) as (examples, …, n)."""
    return TABLE["permute"](x, order=(0, *range(2, x.ndim), 1))


def unrotated(x: Value) -> Value:
    """(examples, …, n) as (examples, n, …)."""
    return TABLE["permute"](x, order=(0, x.ndim - 1, *range(1, x.ndim - 1)))


def wide(index: Value, tail: Shape) -> Value:
    """Each example's indices, in one axis, for each of the other elements of a row."""
    count, picked = index.shape[0], prod(index.shape[1:])
    lines = TABLE["reshape"](index, shape=(count, *[1] * len(tail), picked))
    return TABLE["broadcast_to"](lines, shape=(count, *tail, picked))
