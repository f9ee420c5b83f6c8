"""Reads and writes by index arrays: one gather, and what a scatter does where it meets an element.

A ``spec`` is that of a basic index (see ``ops.index``) with one entry more:

* ``"a"`` – an int64 array: negative numbers count from the end; all arrays of an index broadcast together.

Operands follow the base (and the written value) in the order of the entries that take one. The axes that the arrays
share, the *block*, begin at axis ``at`` of the selection, before or between those of the other entries. ``x[i, :, j]``
of NumPy is ``gather x i j spec=('a', ':', 'a') at=0``.

A write may meet an element more than once: the last in C order stands (``scatter``), or each counts in that order.
``unique`` says that none does (of a read, that its gradient meets none twice).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError, following
from tenure.ir.aval import Aval
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ir.program import Value
from tenure.ir.traits import Traits, Within, always
from tenure.ops.declare import REALS, broadcast_shapes, claim, linear, primitive
from tenure.ops.index import Spec, check_indices, indexed_shape, lengths, selected
from tenure.ops.index_batching import array_read, array_write, named, numbered
from tenure.ops.lowering import Element, Rewritten, Write
from tenure.ops.move import reshape
from tenure.ops.pointwise import EVERY, NUMBERS
from tenure.ops.selection import masked, ready, unselected_like

Shape = tuple[int, ...]


def taken(spec: Spec, operands: Sequence[Any]) -> Iterator[tuple[Any, int, Any]]:
    """The entries that take an operand: the entry, its axis of the base, and the operand."""
    numbers = iter(operands)
    axis = 0
    for entry in spec:
        if entry not in (":", "+"):
            yield entry, axis, following(numbers)
        axis += entry != "+"


def arrays_of(spec: Spec, operands: Sequence[Any]) -> list[Any]:
    """The index arrays among the operands."""
    return [x for entry, _, x in taken(spec, operands) if entry == "a"]


def block_of(spec: Spec, operands: Sequence[Any]) -> Shape:
    """The shape that the index arrays have together."""
    return broadcast_shapes([x.shape for x in arrays_of(spec, operands)], "index arrays")


def around(spec: Spec) -> Spec:
    """The entries as far as they give axes besides the block."""
    return tuple(["i" if entry == "a" else entry for entry in spec])


def selected_shape(shape: Shape, operands: Sequence[Any], spec: Spec, at: int) -> Shape:
    """The shape of a selection."""
    kept = indexed_shape(shape, around(spec))
    return kept[:at] + block_of(spec, operands) + kept[at:]


def natural(spec: Spec) -> int:
    """The axis of the block: at its first array or int, if no other entry lies between them, else in front."""
    axis, first, gap = 0, None, False
    for entry in spec:
        if entry in ("a", "i"):
            if gap:
                return 0
            first = axis if first is None else first
        else:
            gap = first is not None
            axis += 1
    return first or 0


# -- the meaning


def numpy_key(np: Any, operands: Sequence[Any], spec: Spec, block: Shape | None = None) -> tuple[Any, ...]:
    """The same index as NumPy writes it; with ``block`` the arrays are made one axis of all its elements."""
    out: list[Any] = []
    numbers = iter(operands)
    for entry in spec:
        if entry == "a":
            x = following(numbers)
            out.append(x if block is None else np.ascontiguousarray(np.broadcast_to(x, block)).reshape(-1))
        elif entry == "i":
            out.append(int(following(numbers)))
        elif entry in (":", "+"):
            out.append(slice(None) if entry == ":" else None)
        else:
            length, step, start = int(entry[0]), int(entry[1]), int(following(numbers))
            stop = start + length * step
            out.append(slice(start, stop if stop >= 0 else None, step) if length else slice(0, 0))
    return (*out, Ellipsis)


def _gather(np: Any, x: Any, *operands: Any, spec: Spec, at: int, unique: bool) -> Any:
    block = block_of(spec, operands)
    found = np.asarray(x[numpy_key(np, operands, spec)])
    there = natural(spec)
    if block and there != at:
        n = len(block)
        found = np.moveaxis(found, range(there, there + n), range(at, at + n))
    return found if found.base is None else found.copy()


def scatter_meaning(function: str | None) -> Callable[..., Any]:
    """The elements of the block one by one in C order."""

    def ref(np: Any, x: Any, v: Any, *operands: Any, spec: Spec, at: int, unique: bool, out: Any = None) -> Any:
        block = block_of(spec, operands)
        out = np.array(x) if out is None else out
        key = numpy_key(np, operands, spec, block)
        rows = v.reshape((*v.shape[:at], prod(block), *v.shape[at + len(block) :]))
        rows = np.moveaxis(rows, at, natural(spec))
        if function is None:
            out[key] = rows
        else:
            getattr(np, function).at(out, key, rows)
        return out

    return ref


# -- rules


def _gather_aval(x: Aval, *operands: Aval, spec: Spec, at: int, unique: bool) -> Aval:
    if sum([entry != "+" for entry in spec]) != x.ndim:
        raise ShapeError(f"gather: {len(spec)} entries for an array of {x.ndim} dimensions")
    for index in arrays_of(spec, operands):
        check_indices("gather", index)
    return x.with_shape(selected_shape(x.shape, operands, spec, at))


def scatter_aval(name: str, kinds: str) -> Callable[..., Aval]:
    def rule(x: Aval, v: Aval, *operands: Aval, spec: Spec, at: int, unique: bool) -> Aval:
        part = _gather_aval(x, *operands, spec=spec, at=at, unique=unique)
        if v.shape != part.shape:
            raise ShapeError(f"{name}: a value of shape {list(v.shape)} for a selection of shape {list(part.shape)}")
        if v.dtype is not x.dtype:
            raise DTypeError(f"{name}: a value of dtype {v.dtype.name} for a base of dtype {x.dtype.name}")
        claim(name, x.dtype, kinds)
        return x.with_shape(x.shape)

    return rule


def arrays_within(shape: Shape, spec: Spec, first: int) -> list[Within]:
    """The index arrays of a spec whose operands begin at ``first``."""
    count = sum([entry not in (":", "+") for entry in spec])
    entries = taken(spec, range(first, first + count))
    return [Within(operand, axis, shape[axis]) for entry, axis, operand in entries if entry == "a"]


WRITES = Traits(
    indices=lambda x, v, *operands, spec, at, unique: arrays_within(x.shape, spec, 2),
    extents=lengths,
)


def place(e: Any, index: Any, x: Any, operands: Sequence[Any], spec: Spec, at: int) -> tuple[Any, ...]:
    """The position in x of an element of a selection."""
    n = max([len(e.shape(i)) for i in arrays_of(spec, operands)], default=0)
    return selected(e, index[:at] + index[at + n :], x, operands, spec, index[at : at + n])


def scatter_write(function: str | None) -> Write:
    def spot(e: Any, index: Any, x: Any, v: Any, *operands: Any, spec: Spec, at: int, unique: bool) -> Any:
        return place(e, index, x, operands, spec, at)

    return Write(spot, value=1, base=0, combine=function, ordered=True)


CASES: tuple[tuple[Shape, Spec, tuple[Any, ...], int], ...] = (
    ((4,), ("a",), ((3,),), 0),
    ((4, 2), ("a", ":"), ((2, 2),), 0),
    ((3, 2), ("a", ":"), ((),), 0),
    ((3,), ("a",), ((0,),), 0),
    ((3, 4), ("a", "a"), ((2, 1), (3,)), 0),
    ((3, 2, 4), ("a", ":", "a"), ((3,), ()), 0),
    ((2, 3, 5), (":", "a", (2, -2)), ((2,), 4), 1),
    ((3, 2, 4), ("i", "+", ":", "a"), (1, (2,)), 2),
    ((2, 3, 2), (":", "a", "i"), ((4,), 1), 0),
)


def _operands(rng: Any, shape: Shape, spec: Spec, given: Sequence[Any]) -> list[Any]:
    out = []
    for entry, axis, x in taken(spec, given):
        size = shape[axis]
        out.append(rng.integers(-size, size, x) if entry == "a" else dtypes.int64.numpy.type(x))
    return out


def _gather_samples(rng: Any, dtype: DType) -> Any:
    for shape, spec, given, at in CASES:
        params = {"spec": spec, "at": at, "unique": False}
        yield (REALS(rng, shape, dtype), *_operands(rng, shape, spec, given)), params


def scatter_samples(rng: Any, dtype: DType) -> Any:
    for shape, spec, given, at in CASES:
        operands = _operands(rng, shape, spec, given)
        value = REALS(rng, selected_shape(shape, operands, spec, at), dtype)
        yield (REALS(rng, shape, dtype), value, *operands), {"spec": spec, "at": at, "unique": False}


# -- reading and adding


gather: Primitive = linear(
    "gather",
    batch=array_read,
    lower=Element(lambda e, index, x, *operands, spec, at, unique: e.at(x, place(e, index, x, operands, spec, at))),
    aval=_gather_aval,
    ref=_gather,
    transpose=(lambda g, x, *operands, **params: scatter_add(unselected_like(x), ready(g), *operands, **params),),
    accumulate=lambda acc, g, x, *operands, **params: scatter_add(acc, g, *operands, **params),
    traits=Traits(
        indices=lambda x, *operands, spec, at, unique: arrays_within(x.shape, spec, 1),
        preserves=always,
        extents=lengths,
    ),
    dtypes=EVERY,
    samples=_gather_samples,
)
scatter_add: Primitive = linear(
    "scatter_add",
    batch=array_write,
    lower=scatter_write("add"),
    aval=scatter_aval("scatter_add", NUMBERS),
    ref=scatter_meaning("add"),
    transpose=(
        lambda g, x, v, *operands, **params: g,
        lambda g, x, v, *operands, **params: gather(g, *operands, **params),
    ),
    argnums=(0, 1),
    in_place=0,
    traits=WRITES,
    base=0,
    dtypes=NUMBERS,
    samples=scatter_samples,
)


def take_rows(x: Value, index: Value) -> Value:
    """x[index] for one index array."""
    return gather(x, index, spec=("a", *[":"] * (x.ndim - 1)), at=0, unique=False)


def add_rows(x: Value, v: Value, index: Value) -> Value:
    """x with v added at x[index]; duplicates all count."""
    return scatter_add(x, v, index, spec=("a", *[":"] * (x.ndim - 1)), at=0, unique=False)


# -- writing: the last one stands


def _survives_aval(*arrays: Aval, sizes: Shape) -> Aval:
    for index in arrays:
        check_indices("survives", index)
    return Aval(broadcast_shapes([x.shape for x in arrays], "index arrays"), dtypes.bool_)


def _positions(np: Any, arrays: Sequence[Any], sizes: Shape) -> Any:
    block = np.broadcast_shapes(*[x.shape for x in arrays])
    wide = [np.broadcast_to(x + n * (x < 0), block).reshape(-1) for x, n in zip(arrays, sizes, strict=True)]
    return np.ravel_multi_index(wide, sizes) if prod(block) else np.zeros(0, np.int64), block


def _survives(np: Any, *arrays: Any, sizes: Shape) -> Any:
    flat, block = _positions(np, arrays, sizes)
    last = flat.size - 1 - np.unique(flat[::-1], return_index=True)[1]
    out = np.zeros(flat.size, bool)
    out[last] = True
    return out.reshape(block)


def _survives_samples(rng: Any, dtype: DType) -> Any:
    for sizes, shapes in (((4,), ((6,),)), ((3, 2), ((2, 3), (3,))), ((2,), ((),)), ((2,), ((0,),))):
        yield tuple([rng.integers(-n, n, s) for n, s in zip(sizes, shapes, strict=True)]), {"sizes": sizes}


survives = primitive(
    "survives",
    batch=named,
    lower=Rewritten(),
    aval=_survives_aval,
    ref=_survives,
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    traits=Traits(indices=lambda *arrays, sizes: [Within(k, k, n) for k, n in enumerate(sizes)]),
    dtypes="i",
    samples=_survives_samples,
)
"""The elements of the block that no later one overwrites, in an array of axes of these sizes."""


def _stamp_aval(order: Aval, *arrays: Aval, sizes: Shape) -> Aval:
    block = _survives_aval(*arrays, sizes=sizes)
    if order.shape != block.shape:
        raise ShapeError(f"stamp: numbers of shape {list(order.shape)} for indices of shape {list(block.shape)}")
    claim("stamp", order.dtype, "i")
    return order.with_shape(sizes)


def _stamp(np: Any, order: Any, *arrays: Any, sizes: Shape) -> Any:
    out = np.zeros(sizes, order.dtype)
    out.reshape(-1)[_positions(np, arrays, sizes)[0]] = order.reshape(-1)
    return out


def _stamp_samples(rng: Any, dtype: DType) -> Any:
    for arrays, params in _survives_samples(rng, dtype):
        yield (REALS(rng, broadcast_shapes([x.shape for x in arrays], "stamp"), dtype), *arrays), params


stamp = primitive(
    "stamp",
    batch=numbered,
    lower=Write(
        lambda e, index, order, *arrays, sizes: tuple(
            [e.read(i, e.broadcast(index, i), n) for i, n in zip(arrays, sizes, strict=True)]
        ),
        value=0,
        base=None,
        ordered=True,
        blank=True,
    ),
    aval=_stamp_aval,
    ref=_stamp,
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    traits=Traits(
        indices=lambda order, *arrays, sizes: [Within(k + 1, k, n) for k, n in enumerate(sizes)],
        extents=lambda shape, *, sizes: {"sizes": shape},
    ),
    dtypes="i",
    samples=_stamp_samples,
)
"""Numbers written into an array of which nothing else is read: the compiler makes them, for ``survives``."""


def spread(c: Value, spec: Spec, at: int) -> Value:
    """A value of the block's shape, as it broadcasts to the selection."""
    behind = sum([entry not in ("a", "i") for entry in spec]) - at
    return reshape(c, shape=(*c.shape, *[1] * behind)) if behind else c


def _kept(g: Value, x: Value, v: Value, *operands: Value, spec: Spec, at: int, unique: bool) -> Value:
    """The cotangent of what a scatter writes: that of the elements that stand."""
    found = gather(g, *operands, spec=spec, at=at, unique=unique)
    if unique or prod(block_of(spec, operands)) <= 1:
        return found
    arrays = arrays_of(spec, operands)
    sizes = tuple([x.shape[axis] for entry, axis, _ in taken(spec, operands) if entry == "a"])
    return masked(spread(survives(*arrays, sizes=sizes), spec, at), found)


scatter: Primitive = linear(
    "scatter",
    batch=array_write,
    lower=scatter_write(None),
    aval=scatter_aval("scatter", EVERY),
    ref=scatter_meaning(None),
    transpose=(lambda g, x, v, *operands, **params: scatter(ready(g), unselected_like(v), *operands, **params), _kept),
    argnums=(0, 1),
    in_place=0,
    traits=WRITES,
    dtypes=EVERY,
    samples=scatter_samples,
)
