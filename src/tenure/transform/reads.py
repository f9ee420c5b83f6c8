"""Narrowing: a read of a computed value or view becomes a read of its operands.

    y = multiply x c; r = getitem y i             the read is          multiply (getitem x i) c
    y = permute x; r = getitem y i j              the read is          getitem x j i

So a few elements cost a few elements: forwards (``narrow``) nothing else of y is computed, and backwards their
cotangents go on as cotangents of such reads, to where they are added into one accumulator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tenure import dtypes
from tenure.errors import following
from tenure.ir.primitive import Primitive
from tenure.ir.program import Builder, Instruction, Program, Value
from tenure.ops.advanced import gather
from tenure.ops.index import getitem, indexed_shape
from tenure.ops.move import flip, permute, reshape
from tenure.ops.pointwise import floor_divide, mark, remainder

VIEWS = (getitem, permute, flip, reshape)
FEW = 8
"""Maximal number of reads of one value that are rewritten one by one."""
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
    return len(reads) <= FEW and 2 * sum([read.size for read in reads]) <= size


def alike(at: Instruction, shapes: Sequence[Shape]) -> bool:
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
            length, step = (int(n) for n in entry)
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
        out.append(("i", remainder(flat, size) if len(out) < x.ndim - 1 else flat))
        flat = floor_divide(flat, size)
    return made(out[::-1], read)


class Elements:
    """Elements of computed values at given indices, computed elementwise from elements of their operands."""

    def __init__(self, b: Builder) -> None:
        self.b = b
        self.known: dict[Any, Value] = {}

    def key(self, x: int, read: Read) -> Any:
        """Key by which equal reads of a value are found."""
        return x, read.primitive, tuple([o.id for o in read.operands]), tuple(read.params.items())

    def of(self, x: Value, read: Read) -> Value:
        """Elements of x at an index; the gradient flows through them as through x."""
        key = self.key(x.id, read)
        if key not in self.known:
            self.known[key] = self.made(x, read)
            self.b.tracked[self.known[key].id] = self.b.tracked[x.id]
        return self.known[key]

    def made(self, x: Value, read: Read) -> Value:
        """Compute the elements. Marks are not rewritten: another differentiation may end there."""
        at = self.b.instruction(x.id)
        if at is None or at.primitive is mark or 2 * read.size > at.aval.size:
            return read.of(x)
        xs = [Value(self.b, o) for o in at.operands]
        if xs and alike(at, [y.shape for y in xs]):
            return at.primitive(*[self.of(y, read) if y.shape == x.shape else y for y in xs], **at.params)
        view = through(at, xs[0], read) if at.primitive in VIEWS else None
        return read.of(x) if view is None else view.there(self.of(xs[0], view.read))


# -- forwards


def unwrapped(program: Program) -> Program:
    """Rewrite the program: small reads of views become reads of their bases."""
    n, b = len(program.inputs), Builder()
    values = [b.input(aval) for aval in program.inputs]
    for at in program.instructions:
        b.origin = at.origin
        xs = [values[o] for o in at.operands]
        if at.primitive is getitem:
            values.append(read_through(xs[0], Read(getitem, tuple(xs[1:]), dict(at.params), at.aval.size)))
        else:
            values.append(b.emit(at.primitive, xs, at.params))
    return b.extract(range(n), [values[v].id for v in program.outputs])


def read_through(x: Value, read: Read) -> Value:
    """Rewrite one read of a view as a read of its base."""
    at = x.builder.instruction(x.id)
    if at is None or at.primitive not in VIEWS or 2 * read.size > at.aval.size:
        return read.of(x)
    y = Value(x.builder, at.operands[0])
    view = through(at, y, read)
    return read.of(x) if view is None else view.there(read_through(y, view.read))


class Narrowing:
    """Analysis of a program: the values that are only read by index, with their indices."""

    def __init__(self, program: Program) -> None:
        self.program = program
        n = len(program.inputs)
        self.dense: set[int] = set(program.outputs)
        self.found: dict[int, dict[Any, int]] = {}
        self.narrow: set[int] = set()
        for k in range(len(program.instructions) - 1, -1, -1):
            self.look(n + k, program.instructions[k])

    def look(self, v: int, at: Instruction) -> None:
        """Record the reads of an instruction's operands, after all reads of its result are known."""
        wanted = self.found.get(v, {})
        shapes = [self.program.aval(o).shape for o in at.operands]
        few = len(wanted) <= FEW and 2 * sum(wanted.values()) <= at.aval.size
        if wanted and v not in self.dense and few and alike(at, shapes) and at.operands:
            self.narrow.add(v)
            for o, shape in zip(at.operands, shapes, strict=True):
                if shape == at.aval.shape:
                    self.found.setdefault(o, {}).update(wanted)
                else:
                    self.dense.add(o)
            return
        if at.primitive in (getitem, gather):
            key = (at.primitive, at.operands[1:], tuple(sorted(at.params.items(), key=lambda p: p[0])))
            self.found.setdefault(at.operands[0], {})[key] = at.aval.size
            self.dense.update(at.operands[1:])
        else:
            self.dense.update(at.operands)


def narrow(program: Program) -> Program:
    """Rewrite the program: of values that are only read by a few small indices nothing else is computed."""
    if not any(at.primitive in (getitem, gather) for at in program.instructions):
        return program
    program = unwrapped(program)
    found = Narrowing(program)
    if not found.narrow:
        return program
    n, b = len(program.inputs), Builder()
    values: list[Value | None] = [b.input(aval) for aval in program.inputs]
    memo: dict[Any, Value] = {}

    def read(y: int, key: Any) -> Value:
        if (y, key) not in memo:
            memo[y, key] = _read(y, key)
        return memo[y, key]

    def _read(y: int, key: Any) -> Value:
        primitive, rest, params = key
        if y not in found.narrow:
            return primitive(*[values[o] for o in (y, *rest)], **dict(params))  # type: ignore[no-any-return]
        at = program.instructions[y - n]
        whole = [program.aval(o).shape == at.aval.shape and at.aval.shape != () for o in at.operands]
        xs = [read(o, key) if w else values[o] for o, w in zip(at.operands, whole, strict=True)]
        return at.primitive(*xs, **at.params)  # type: ignore[arg-type]

    for k, at in enumerate(program.instructions):
        b.origin = at.origin
        if n + k in found.narrow:
            values.append(None)
        elif at.primitive in (getitem, gather) and at.operands[0] in found.narrow:
            params = tuple(sorted(at.params.items(), key=lambda p: p[0]))
            values.append(read(at.operands[0], (at.primitive, at.operands[1:], params)))
        else:
            values.append(b.emit(at.primitive, [values[o] for o in at.operands], at.params))  # type: ignore[misc]
    return b.extract(range(n), [values[v].id for v in program.outputs])  # type: ignore[union-attr]
