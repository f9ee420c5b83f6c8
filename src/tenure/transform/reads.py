"""Narrowing: a read of a computed value or view becomes a read of its operands.

    y = multiply x c; r = getitem y i             the read is          multiply (getitem x i) c
    y = permute x; r = getitem y i j              the read is          getitem x j i

So a few elements cost a few elements: forwards (``narrow``) nothing else of y is computed, and backwards their
cotangents go on as cotangents of such reads, to where they are added into one accumulator.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple

from tenure import dtypes
from tenure.errors import following
from tenure.ir.applications import Application
from tenure.ir.primitive import Primitive
from tenure.ir.program import Builder, Instruction, Value
from tenure.ops import division, pointwise
from tenure.ops.index import getitem, indexed_shape
from tenure.ops.move import flip, permute, reshape

VIEWS = (getitem, permute, flip, reshape)
FEW = 8
"""Maximal number of reads of one value that are rewritten one by one."""
SMALL = 64
"""Elements of a value up to which computing all of it costs no more than rewriting its reads."""
Shape = tuple[int, ...]


class Read(NamedTuple):
    """Read by index: a primitive with all its operands but the first. ``size`` elements are read."""

    primitive: Primitive
    operands: tuple[Value, ...]
    params: dict[str, Any]
    size: int

    def of(self, x: Value) -> Value:
        """Apply the read to a value."""
        return self.primitive(x, *self.operands, **self.params)


class View(NamedTuple):
    """Read of a view as a read of its base: ``there`` takes the result to the shape of the old one, ``back`` is its
    inverse."""

    read: Read
    there: Callable[[Value], Value]
    back: Callable[[Value], Value]


def worth(reads: Sequence[Read], size: int) -> bool:
    """Whether rewriting the reads of a value of some size costs less than computing it."""
    return size > SMALL and len(reads) <= FEW and 2 * sum([read.size for read in reads]) <= size


def alike(at: Instruction | Application, shapes: Sequence[Shape]) -> bool:
    """Whether an element of the result takes the elements at its own index, or single numbers."""
    return at.primitive.lower.alike and all(s in ((), at.aval.shape) for s in shapes)


def same(x: Value) -> Value:
    """Identity."""
    return x


def through(at: Instruction, x: Value, read: Read) -> View | None:
    """Rewrite a read of a view of x as a read of x."""
    if "spec" not in read.params:
        return None
    if at.primitive is getitem:
        return _of_part(at, x, read)
    if read.primitive is not getitem or "+" in read.params["spec"]:
        return None
    entries = list(taken(read))
    if at.primitive is permute:
        return _of_permuted(at.params["order"], entries, read)
    if at.primitive is flip:
        return _of_flipped(at.params["axes"], entries, x.shape, read)
    if at.primitive is reshape:
        return _of_reshaped(at.aval.shape, entries, x, read)
    return None


Taken = tuple[Any, Value | None]
"""Entry of an index spec with its operand."""


def taken(read: Read) -> list[Taken]:
    """Entries of a read with their operands."""
    numbers = iter(read.operands)
    return [(e, None if e in (":", "+") else following(numbers)) for e in read.params["spec"]]


def made(entries: Sequence[Taken], read: Read) -> Read:
    """Read of the same kind with other entries."""
    operands = tuple([x for _, x in entries if x is not None])
    return Read(read.primitive, operands, {**read.params, "spec": tuple([e for e, _ in entries])}, read.size)


def _of_part(at: Instruction, x: Value, read: Read) -> View | None:
    """Compose a read with a basic index: an index of an index is one index."""
    numbers = iter([Value(x.builder, o) for o in at.operands[1:]])
    outer, out = iter(taken(read)), list[Taken]()

    def onward() -> Taken:
        entry = next(outer, (":", None))
        while entry[0] == "+":
            out.append(entry)
            entry = next(outer, (":", None))
        return entry

    for entry in at.params["spec"]:
        if entry == "i":
            out.append((entry, following(numbers)))
        elif entry == "+":
            e, _ = onward()
            if e != "i" and e != ":":
                return None
            if e == ":":
                out.append(("+", None))
        elif entry == ":":
            out.append(onward())
        else:
            start, (e, own) = following(numbers), onward()
            if e == "a":
                return None
            length, step = entry
            where = start if own is None else start + own * step
            out.append((e, where) if e == "i" else ((length, step) if e == ":" else (e[0], e[1] * step), where))
    out.extend(outer)
    return View(made(out, read), same, same)


def _of_permuted(order: Sequence[int], entries: list[Taken], read: Read) -> View:
    shown = [order[k] for k, (e, _) in enumerate(entries) if e != "i"]
    new = made([entries[order.index(k)] for k in range(len(order))], read)
    back = tuple([shown.index(k) for k in sorted(shown)])
    there = tuple([sorted(shown).index(k) for k in shown])
    return View(new, lambda y: permute(y, order=there), lambda g: permute(g, order=back))


def _of_flipped(axes: Sequence[int], entries: list[Taken], shape: Shape, read: Read) -> View:
    out: list[Taken] = []
    for k, (e, x) in enumerate(entries):
        if k not in axes:
            out.append((e, x))
            continue
        last = read_number(read, shape[k] - 1)
        where = last if x is None else last - x
        out.append((e, where) if e == "i" else ((shape[k], -1) if e == ":" else (e[0], -e[1]), where))
    return View(made(out, read), same, same)


def read_number(read: Read, number: int) -> Value:
    """An int64 constant beside the operands of a read."""
    return read.operands[0].builder.constant(number, dtypes.int64)


def _of_reshaped(shape: Shape, entries: list[Taken], x: Value, read: Read) -> View | None:
    """Rewrite a read of a reshaped value: axes of size 1 come and go; a single element is read in any shape."""
    new = element(shape, entries, x, read) if all(e == "i" for e, _ in entries) else units(shape, entries, x, read)
    if new is None:
        return None
    old_shape, new_shape = indexed_shape(shape, read.params["spec"]), indexed_shape(x.shape, new.params["spec"])
    return View(new, lambda y: reshape(y, shape=old_shape), lambda g: reshape(g, shape=new_shape))


def units(shape: Shape, entries: list[Taken], x: Value, read: Read) -> Read | None:
    """Rewrite a read across a reshape that only adds or removes axes of size 1."""
    if [n for n in shape if n != 1] != [n for n in x.shape if n != 1]:
        return None
    if any(n == 1 and e not in ("i", ":") for n, (e, _) in zip(shape, entries, strict=True)):
        return None
    rest = iter([entry for n, entry in zip(shape, entries, strict=True) if n != 1])
    return made([(":", None) if n == 1 else following(rest) for n in x.shape], read)


def element(shape: Shape, entries: list[Taken], x: Value, read: Read) -> Read:
    """Read of one element by its position in C order."""
    b = x.builder
    flat = b.constant(0, dtypes.int64)
    for n, (_, k) in zip(shape, entries, strict=True):
        assert k is not None
        flat = flat * n + k
    out: list[Taken] = []
    for n in reversed(x.shape):
        size = b.constant(n, dtypes.int64)
        out.append(("i", division.remainder(flat, size) if len(out) < x.ndim - 1 else flat))
        flat = division.floor_divide(flat, size)
    return made(out[::-1], read)


Making = Generator[tuple[Value, Read], Value | None, Value]
"""Elements in the making: asks for those of operands."""


class Elements:
    """Elements of computed values at given indices, computed elementwise from elements of their operands."""

    def __init__(self, b: Builder) -> None:
        self.b = b
        self.known: dict[Any, Value] = {}

    def key(self, x: int, read: Read) -> Any:
        """Key by which equal reads of a value are found."""
        return x, read.primitive, tuple([o.id for o in read.operands]), tuple(read.params.items())

    def of(self, x: Value, read: Read) -> Value:
        """Elements of x at an index; the gradient flows through them as through x. A chain may be of any length."""
        waiting, found = list[tuple[Value, Read, Making]](), self.known.get(self.key(x.id, read))
        if found is None:
            waiting.append((x, read, self.made(x, read)))
        while waiting:
            y, part, steps = waiting[-1]
            try:
                wanted = steps.send(found)
            except StopIteration as end:
                waiting.pop()
                self.known[self.key(y.id, part)] = found = end.value
                self.b.tracked[end.value.id] = self.b.tracked[y.id]
                continue
            found = self.known.get(self.key(wanted[0].id, wanted[1]))
            if found is None:
                waiting.append((*wanted, self.made(*wanted)))
        assert found is not None
        return found

    def made(self, x: Value, read: Read) -> Making:
        """Compute the elements, asking for those of operands. Marks are not rewritten: another differentiation may end
        there."""
        at = self.b.instruction(x.id)
        if at is None or at.primitive is pointwise.mark or 2 * read.size > at.aval.size:
            return read.of(x)
        xs = [Value(self.b, o) for o in at.operands]
        if xs and alike(at, [y.shape for y in xs]):
            parts = []
            for y in xs:
                part = (yield y, read) if y.shape == x.shape else y
                assert part is not None
                parts.append(part)
            return at.primitive(*parts, **at.params)
        view = through(at, xs[0], read) if at.primitive in VIEWS else None
        if view is None:
            return read.of(x)
        base = yield xs[0], view.read
        assert base is not None
        return view.there(base)
