"""Indexed reads and writes.

Basic indices are a static ``spec`` with one entry per axis of the base, and new axes between them, and the
starts as rank-0 int64 operands, so that one program serves every position:

* ``"i"`` – an integer: takes one start, drops the axis;
* ``(length, step)`` – a slice: takes one start;
* ``":"`` – the whole axis;
* ``"+"`` – a new axis of size 1.

Starts lie within their axis: who emits them has checked (TN801). ``getitem``, ``setitem`` and ``additem`` are
closed under differentiation: the cotangent of a read is added into one accumulator, in place where nobody
else holds it, which makes n element reads cost O(n).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError, following
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.traits import Traits, Within, always
from tenure.ops.batching import spreading
from tenure.ops.convert import added
from tenure.ops.declare import REALS, claim, linear
from tenure.ops.index_batching import basic_read, basic_write
from tenure.ops.lowering import Element, Write, moving
from tenure.ops.pointwise import EVERY, NUMBERS
from tenure.ops.selection import ready, unselected_like

Entry = str | tuple[int, int]
Spec = tuple[Entry, ...]


def indexed_shape(shape: tuple[int, ...], spec: Spec) -> tuple[int, ...]:
    """The shape that a basic index selects."""
    out: list[int] = []
    axis = 0
    for entry in spec:
        if entry == "+":
            out.append(1)
            continue
        if entry == ":":
            out.append(shape[axis])
        elif isinstance(entry, tuple):
            out.append(entry[0])
        axis += 1
    return tuple(out)


def ends_with_int(spec: Spec) -> bool:
    """Whether an int is the last entry that takes a part of its axis: the step has that entry's name."""
    parts = [e for e in spec if e != ":"]
    return bool(parts) and parts[-1] == "i"


def numpy_index(spec: Spec, starts: Sequence[Any]) -> tuple[Any, ...]:
    """The same index as NumPy writes it; the result is always an array, never a scalar."""
    out: list[Any] = []
    values = iter(starts)
    for entry in spec:
        if entry == "i":
            out.append(int(following(values)))
        elif entry == ":":
            out.append(slice(None))
        elif entry == "+":
            out.append(None)
        else:
            length, step = int(entry[0]), int(entry[1])
            start = int(following(values))
            stop = start + length * step
            out.append(slice(start, stop if stop >= 0 else None, step) if length else slice(0, 0))
    return (*out, Ellipsis)


def _write_aval(name: str, kinds: str) -> Callable[..., Aval]:
    def rule(x: Aval, v: Aval, *starts: Aval, spec: Spec) -> Aval:
        shape = indexed_shape(x.shape, spec)
        if v.shape != shape:
            raise ShapeError(f"{name}: a value of shape {list(v.shape)} for a selection of shape {list(shape)}")
        if v.dtype is not x.dtype:
            raise DTypeError(f"{name}: a value of dtype {v.dtype.name} for a base of dtype {x.dtype.name}")
        claim(name, x.dtype, kinds)
        return x.with_shape(x.shape)

    return rule


def _getitem(np: Any, x: Any, *starts: Any, spec: Spec) -> Any:
    """A small part is copied: a view of it would keep all of x alive, and from being written in place."""
    part = x[numpy_index(spec, starts)]
    return part.copy() if 2 * part.size <= x.size else part


def _setitem(np: Any, x: Any, v: Any, *starts: Any, spec: Spec, out: Any = None) -> Any:
    out = np.array(x) if out is None else out
    out[numpy_index(spec, starts)] = v
    return out


def _additem(np: Any, x: Any, v: Any, *starts: Any, spec: Spec, out: Any = None) -> Any:
    out = np.array(x) if out is None else out
    at = numpy_index(spec, starts)
    out[at] = added(np, out[at], v)
    return out


CASES: tuple[tuple[tuple[int, ...], Spec, tuple[int, ...]], ...] = (
    ((4,), ("i",), (2,)),
    ((5,), ((2, 2),), (1,)),
    ((5,), ((3, -2),), (4,)),
    ((3, 4), ("i", ":"), (1,)),
    ((3, 4), ("+", ":", (2, 1)), (2,)),
    ((2, 3, 2), ((2, -1), "i", ":", "+"), (1, 0)),
    ((3,), ((0, 1),), (0,)),
    ((), (), ()),
)


def _starts(starts: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple([dtypes.int64.numpy.type(s) for s in starts])


def _read_samples(rng: Any, dtype: DType) -> Any:
    for shape, spec, starts in CASES:
        yield (REALS(rng, shape, dtype), *_starts(starts)), {"spec": spec}


def _write_samples(rng: Any, dtype: DType) -> Any:
    for shape, spec, starts in CASES:
        value = REALS(rng, indexed_shape(shape, spec), dtype)
        yield (REALS(rng, shape, dtype), value, *_starts(starts)), {"spec": spec}


def selected(
    e: Any, index: Any, x: Any, starts: Sequence[Any], spec: Spec, block: Sequence[Any] = ()
) -> tuple[Any, ...]:
    """The position in x of an element of a selection; of its index, ``block`` is the part that index arrays share."""
    out: list[Any] = []
    numbers, rest = iter(starts), iter(index)
    for entry in spec:
        if entry == "+":
            following(rest)
        elif entry == "i":
            out.append(e.read(following(numbers), ()))
        elif entry == "a":
            i = following(numbers)
            out.append(e.read(i, e.broadcast(block, i), e.shape(x)[len(out)]))
        else:
            i = following(rest)
            out.append(i if entry == ":" else i * entry[1] + e.read(following(numbers), ()))
    return tuple(out)


def lengths(shape: Any, *, spec: Spec, **params: Any) -> dict[str, Any]:
    """The trait ``extents`` of what has a spec: the lengths of its slices are those of what is read or written."""
    return {**params, "spec": tuple([e if isinstance(e, str) else (None, e[1]) for e in spec])}


getitem: Primitive = linear(
    "getitem",
    batch=basic_read,
    lower=moving(lambda e, index, x, *starts, spec: e.at(x, selected(e, index, x, starts, spec))),
    traits=Traits(preserves=always, extents=lengths),
    aval=lambda x, *starts, spec: x.with_shape(indexed_shape(x.shape, spec)),
    ref=_getitem,
    transpose=(lambda g, x, *starts, spec: additem(unselected_like(x), ready(g), *starts, spec=spec),),
    accumulate=lambda acc, g, x, *starts, spec: additem(acc, g, *starts, spec=spec),
    dtypes=EVERY,
    samples=_read_samples,
)
setitem: Primitive = linear(
    "setitem",
    batch=basic_write,
    lower=Write(
        lambda e, index, x, v, *starts, spec: selected(e, index, x, starts, spec), value=1, base=0, ordered=False
    ),
    aval=_write_aval("setitem", EVERY),
    ref=_setitem,
    transpose=(
        lambda g, x, v, *starts, spec: setitem(ready(g), unselected_like(v), *starts, spec=spec),
        lambda g, x, v, *starts, spec: getitem(g, *starts, spec=spec),
    ),
    argnums=(0, 1),
    traits=Traits(extents=lengths),
    in_place=0,
    dtypes=EVERY,
    samples=_write_samples,
)
additem: Primitive = linear(
    "additem",
    batch=basic_write,
    lower=Write(
        lambda e, index, x, v, *starts, spec: selected(e, index, x, starts, spec),
        value=1,
        base=0,
        combine="add",
        ordered=False,
    ),
    aval=_write_aval("additem", NUMBERS + "hc"),
    ref=_additem,
    transpose=(
        lambda g, x, v, *starts, spec: g,
        lambda g, x, v, *starts, spec: getitem(g, *starts, spec=spec),
    ),
    argnums=(0, 1),
    traits=Traits(extents=lengths),
    in_place=0,
    base=0,
    dtypes=NUMBERS + "hc",
    samples=_write_samples,
)


def check_indices(name: str, index: Aval) -> None:
    if index.dtype is not dtypes.int64:
        raise DTypeError(f"{name}: indices of dtype {index.dtype.name} need a cast to int64")


def _add_aval(name: str, selected: Callable[[Aval, Aval], Aval]) -> Callable[..., Aval]:
    """The rule of what adds v at the places that ``selected`` reads."""

    def rule(x: Aval, v: Aval, index: Aval) -> Aval:
        part = selected(x, index)
        if v.shape != part.shape:
            raise ShapeError(f"{name}: a value of shape {list(v.shape)} for a selection of {list(part.shape)}")
        if v.dtype is not x.dtype:
            raise DTypeError(f"{name}: a value of dtype {v.dtype.name} for a base of dtype {x.dtype.name}")
        claim(name, x.dtype, NUMBERS)
        return x.with_shape(x.shape)

    return rule


def _along_aval(x: Aval, index: Aval) -> Aval:
    if x.ndim == 0 or index.shape[:-1] != x.shape[:-1] or index.ndim != x.ndim:
        raise ShapeError(f"take_along: indices of shape {list(index.shape)} for an array of {list(x.shape)}")
    check_indices("take_along", index)
    return x.with_shape(index.shape)


def _along_samples(rng: Any, dtype: DType) -> Any:
    for shape, width in (((4,), 2), ((3, 5), 1), ((2, 2, 3), 4)):
        yield (REALS(rng, shape, dtype), rng.integers(0, shape[-1], (*shape[:-1], width))), {}


def _add_along_samples(rng: Any, dtype: DType) -> Any:
    for (x, index), params in _along_samples(rng, dtype):
        yield (x, REALS(rng, index.shape, dtype), index), params


def _add_along(np: Any, x: Any, v: Any, index: Any, *, out: Any = None) -> Any:
    out = np.array(x) if out is None else out
    rows = np.indices(index.shape, sparse=True)[:-1]
    np.add.at(out, (*rows, index), v)
    return out


take_along: Primitive = linear(
    "take_along",
    batch=spreading,
    lower=Element(lambda e, index, x, i: e.at(x, (*index[:-1], e.read(i, index, e.shape(x)[-1])))),
    aval=_along_aval,
    ref=lambda np, x, index: np.take_along_axis(x, index, -1),
    transpose=(lambda g, x, index: add_along(unselected_like(x), ready(g), index),),
    accumulate=lambda acc, g, x, index: add_along(acc, g, index),
    traits=Traits(indices=lambda x, index: [Within(1, x.ndim - 1, x.shape[-1])], preserves=always),
    dtypes=EVERY,
    samples=_along_samples,
)
"""Along the last axis, row by row; the other axes of ``index`` are those of x."""
add_along: Primitive = linear(
    "add_along",
    batch=spreading,
    lower=Write(
        lambda e, index, x, v, i: (*index[:-1], e.read(i, index, e.shape(x)[-1])),
        value=1,
        base=0,
        combine="add",
        ordered=True,
    ),
    aval=_add_aval("add_along", _along_aval),
    ref=_add_along,
    transpose=(lambda g, x, v, index: g, lambda g, x, v, index: take_along(g, index)),
    argnums=(0, 1),
    in_place=0,
    traits=Traits(indices=lambda x, v, index: [Within(2, x.ndim - 1, x.shape[-1])]),
    base=0,
    dtypes=NUMBERS,
    samples=_add_along_samples,
)


def _add_one(e: Any, index: Any, x: Any, v: Any, i: Any) -> Any:
    row = e.broadcast(index, v)
    size = e.shape(x)[-1]
    hit = e.coincide(index[-1], e.read(i, row, size), size, e.aval(x).dtype.itemsize)
    base = e.at(x, index)
    return e.select(hit, e.add(base, e.at(v, row)), base)


def _add_one_aval(x: Aval, v: Aval, index: Aval) -> Aval:
    if index.shape[-1:] != (1,):
        raise ShapeError(f"add_one_along: indices of shape {list(index.shape)}, not one a row")
    return add_along.aval(x, v, index)


def _add_one_samples(rng: Any, dtype: DType) -> Any:
    for shape in ((4,), (3, 5), (2, 2, 3)):
        index = rng.integers(-shape[-1], shape[-1], (*shape[:-1], 1))
        yield (REALS(rng, shape, dtype), REALS(rng, index.shape, dtype), index), {}


add_one_along: Primitive = linear(
    "add_one_along",
    batch=spreading,
    lower=Element(_add_one),
    aval=_add_one_aval,
    ref=_add_along,
    transpose=(lambda g, x, v, index: g, lambda g, x, v, index: take_along(g, index)),
    argnums=(0, 1),
    traits=Traits(indices=lambda x, v, index: [Within(2, x.ndim - 1, x.shape[-1])]),
    base=0,
    dtypes=NUMBERS,
    samples=_add_one_samples,
)
"""``add_along`` of one element a row, computed element by element: for a base that is not in memory."""
