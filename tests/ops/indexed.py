"""What reads and writes by index arrays mean, element by element, in plain Python."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Index = tuple[int, ...]


def as_array(values: Iterable[Any], shape: tuple[int, ...], dtype: Any) -> Array:
    """Python numbers as an array; integers wrap around as machine integers do."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        least, count = np.iinfo(dtype).min, 1 << (8 * dtype.itemsize)
        values = [(int(v) - least) % count + least for v in values]
    with np.errstate(all="ignore"):
        return np.array(list(values), dtype=dtype).reshape(shape)


def places(shape: Index, operands: Any, spec: Any, at: int) -> tuple[Index, Iterator[tuple[Index, Index]]]:
    """The shape of a selection; for each of its elements in C order its index and its place in the base."""
    numbers = iter(operands)
    entries: list[tuple[Any, Any, int]] = []
    sizes = iter(shape)
    for entry in spec:
        size = 1 if entry == "+" else next(sizes)
        entries.append((entry, None if entry in (":", "+") else next(numbers), size))
    block = np.broadcast_shapes(*[x.shape for entry, x, _ in entries if entry == "a"])
    kept = [1 if e == "+" else n if e == ":" else e[0] for e, _, n in entries if e not in ("a", "i")]
    out = (*kept[:at], *block, *kept[at:])

    def walk() -> Iterator[tuple[Index, Index]]:
        for i in np.ndindex(out):
            inner, rest = i[at : at + len(block)], iter(i[:at] + i[at + len(block) :])
            place = []
            for entry, x, size in entries:
                if entry == "a":
                    own = tuple(0 if n == 1 else k for k, n in zip(inner[len(inner) - x.ndim :], x.shape, strict=True))
                    place.append(int(x[own]) % size)
                elif entry == "i":
                    place.append(int(x))
                else:
                    k = next(rest)
                    if entry != "+":
                        place.append(k if entry == ":" else int(x) + k * entry[1])
            yield i, tuple(place)

    return out, walk()


def gather(x: Array, *operands: Any, spec: Any, at: int, unique: bool) -> Array:
    shape, walk = places(x.shape, operands, spec, at)
    return np.array([x[place] for _, place in walk], x.dtype).reshape(shape)


def scattered(combine: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    def over(x: Array, v: Array, *operands: Any, spec: Any, at: int, unique: bool) -> Array:
        elements = {i: x[i].item() for i in np.ndindex(x.shape)}
        shape, walk = places(x.shape, operands, spec, at)
        assert shape == v.shape
        for i, place in walk:
            elements[place] = combine(elements[place], v[i].item())
        return as_array(elements.values(), x.shape, x.dtype)

    return over


def flat(arrays: Any, sizes: Index) -> tuple[Index, list[Index]]:
    """The shape that the arrays have together, and the place that each of its elements names."""
    wide = np.broadcast_arrays(*arrays)
    return wide[0].shape, [
        tuple(int(w[i]) % n for w, n in zip(wide, sizes, strict=True)) for i in np.ndindex(wide[0].shape)
    ]


def survives(*arrays: Array, sizes: Index) -> Array:
    shape, named = flat(arrays, sizes)
    return np.array([place not in named[k + 1 :] for k, place in enumerate(named)], bool).reshape(shape)


def stamp(order: Array, *arrays: Array, sizes: Index) -> Array:
    out = np.zeros(sizes, order.dtype)
    for number, place in zip(order.ravel().tolist(), flat(arrays, sizes)[1], strict=True):
        out[place] = number
    return out


EXACT: dict[str, Callable[..., Array]] = {
    "gather": gather,
    "scatter": scattered(lambda old, new: new),
    "scatter_max": scattered(lambda old, new: old if old != old or old > new else new),
    "scatter_min": scattered(lambda old, new: old if old != old or old < new else new),
    "survives": survives,
    "stamp": stamp,
}
CLOSE: dict[str, Callable[..., Array]] = {
    "scatter_add": scattered(operator.add),
    "scatter_multiply": scattered(operator.mul),
}
