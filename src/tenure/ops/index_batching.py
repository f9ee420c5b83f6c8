"""Rules for examples of indexed reads and writes (see ``batching``).

Where the index is the same for every example the axis of examples is one more axis that it leaves whole. Where
each example has its own, the examples are one more axis of the block, along which index arrays differ: starts of
ints and slices become such arrays too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure import dtypes
from tenure.errors import following
from tenure.ir.program import TABLE, Builder, Value
from tenure.ops.batching import examples, spread

Spec = tuple[Any, ...]
Shape = tuple[int, ...]


def basic_read(of: Any, batched: Sequence[bool], x: Value, *starts: Value, spec: Spec) -> Value:
    """getitem."""
    if not any(batched[1:]):
        return of(x, *starts, spec=(":", *spec))  # type: ignore[no-any-return]
    return array_read(TABLE["gather"], batched, x, *starts, spec=spec, at=0, unique=True)


def basic_write(of: Any, batched: Sequence[bool], x: Value, v: Value, *starts: Value, spec: Spec) -> Value:
    """setitem and additem."""
    if any(batched[2:]):
        write = TABLE["scatter" if of.lower.combine is None else "scatter_add"]
        return array_write(write, batched, x, v, *starts, spec=spec, at=0, unique=True)
    count = examples(batched, (x, v, *starts))
    x, v = spread(x, batched[0], count), spread(v, batched[1], count)
    return of(x, v, *starts, spec=(":", *spec))  # type: ignore[no-any-return]


def array_read(
    of: Any, batched: Sequence[bool], x: Value, *operands: Value, spec: Spec, at: int, unique: bool
) -> Value:
    """gather."""
    index = Examples(examples(batched, (x, *operands)), batched[0], batched[1:], operands, spec, at)
    found = of(x, *index.operands, spec=tuple(index.spec), at=index.at, unique=unique and batched[0])
    return ordered(found, [index.axes.index(k) for k in range(found.ndim)])


def array_write(
    of: Any, batched: Sequence[bool], x: Value, v: Value, *operands: Value, spec: Spec, at: int, unique: bool
) -> Value:
    """scatter, and what combines in place of it."""
    count = examples(batched, (x, v, *operands))
    x, v = spread(x, batched[0], count), spread(v, batched[1], count)
    index = Examples(count, True, batched[2:], operands, spec, at)
    v = ordered(v, index.axes)
    return of(x, v, *index.operands, spec=tuple(index.spec), at=index.at, unique=unique)  # type: ignore[no-any-return]


class Examples:
    """The index of all examples at once.

    ``axes`` are those of the selection it makes, each by its number where the examples come first and the rest is
    as one example has it.
    """

    def __init__(
        self, count: int, base: bool, batched: Sequence[bool], operands: Sequence[Value], spec: Spec, at: int
    ) -> None:
        self.count = count
        self.builder: Builder = operands[0].builder if operands else None  # type: ignore[assignment]
        self.own = any(batched)
        self.given = list(zip(operands, batched, strict=True))
        taken = [entry for entry in spec if entry not in (":", "+")]
        arrays = [(x, has) for entry, (x, has) in zip(taken, self.given, strict=True) if entry == "a"]
        self.block = max([x.ndim - has for x, has in arrays], default=0)
        slices = [entry not in ("a", "i") for entry in taken]
        self.turned = sum([has and part for (_, has), part in zip(self.given, slices, strict=True)])
        self.operands: list[Value] = []
        self.spec: list[Any] = []
        if base:
            self.spec.append("a" if self.own else ":")
            if self.own:
                self.operands.append(self.along(iota(self.builder, count), 0))
        self.axes = self.entries(spec, at, base and not self.own)

    def entries(self, spec: Spec, at: int, kept_whole: bool) -> list[int]:
        """Translate the entries; the axes of the selection."""
        numbers = iter(self.given)
        kept: list[int] = [0] if kept_whole else []
        turned: list[int] = []
        shown, self.at = 0, at + kept_whole
        for entry in spec:
            x, has = (None, False) if entry in (":", "+") else following(numbers)
            own = 1 + shown + (self.block if shown >= at else 0)
            if x is not None and has and entry not in ("a", "i"):
                self.turn(x, entry, len(turned))
                turned.append(own)
                self.at -= shown < at
            elif x is not None and (entry == "a" or has):
                self.spec.append("a")
                self.operands.append(self.array(x, has))
            else:
                self.spec.append(entry)
                self.operands += [] if x is None else [x]
                kept += [own] if entry != "i" else []
            shown += entry not in ("a", "i")
        middle = [0] * self.own + [1 + at + k for k in range(self.block)] + turned
        return kept[: self.at] + middle + kept[self.at :]

    def along(self, x: Value, axis: int) -> Value:
        """An array of one axis along an axis of the block of examples."""
        shape = [1] * (1 + self.block + self.turned)
        shape[axis] = x.aval.size
        return shaped(x, tuple(shape))

    def array(self, x: Value, has: bool) -> Value:
        """An index array, or the starts of the examples, with the axes of the whole block."""
        own = x.shape[has:]
        if not self.own:
            return x
        front = self.count if has else 1
        shape = (front, *[1] * (self.block - len(own)), *own, *[1] * self.turned)
        return shaped(x, shape)

    def turn(self, start: Value, entry: Any, number: int) -> None:
        """A slice that begins elsewhere in each example, as an array along an axis behind the block."""
        length, step = entry
        steps = self.along(iota(self.builder, length) * step, 1 + self.block + number)
        self.spec.append("a")
        self.operands.append(self.along(start, 0) + steps)


def named(of: Any, batched: Sequence[bool], *arrays: Value, sizes: Shape) -> Value:
    """survives: each example has places of its own."""
    count = examples(batched, arrays)
    ndim = max([x.ndim - has for x, has in zip(arrays, batched, strict=True)])
    return of(*in_rows(count, ndim, batched, arrays), sizes=(count, *sizes))  # type: ignore[no-any-return]


def numbered(of: Any, batched: Sequence[bool], order: Value, *arrays: Value, sizes: Shape) -> Value:
    """stamp."""
    count = examples(batched, (order, *arrays))
    order = spread(order, batched[0], count)
    rows = in_rows(count, order.ndim - 1, batched[1:], arrays)
    return of(order, *rows, sizes=(count, *sizes))  # type: ignore[no-any-return]


def in_rows(count: int, ndim: int, batched: Sequence[bool], arrays: Sequence[Value]) -> list[Value]:
    """The number of the example, then its index arrays, of ``ndim`` axes behind that of the examples."""
    rows = shaped(iota(arrays[0].builder, count), (count, *[1] * ndim))
    out = [rows]
    for x, has in zip(arrays, batched, strict=True):
        own = x.shape[has:]
        out.append(shaped(x, (count if has else 1, *[1] * (ndim - len(own)), *own)))
    return out


def ordered(x: Value, order: Sequence[int]) -> Value:
    """The value with its axes in an order."""
    return x if list(order) == sorted(order) else TABLE["permute"](x, order=tuple(order))


def shaped(x: Value, shape: Shape) -> Value:
    """The value with its elements in a shape."""
    return x if x.shape == shape else TABLE["reshape"](x, shape=shape)


def iota(b: Builder, length: int) -> Value:
    """0, 1, … length − 1 as int64."""
    return b.emit(TABLE["iota"], (), {"length": length, "dtype": dtypes.int64})
