"""Brackets: what an index means, read and written.

A basic index (ints, slices, None, Ellipsis) becomes a static ``spec`` and its starts (see ``ops.index``), so
that ``x[i]`` in a loop is one recorded step whatever i is. An integer tensor alone selects along the first
axis.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from tenure.errors import DTypeError, OutOfRange, ShapeError
from tenure.ops import index, promote
from tenure.ops.index import Entry
from tenure.ops.promote import Operation
from tenure.values import record
from tenure.values.hits import apply, apply_one
from tenure.values.reading import value_of, written_of
from tenure.values.sites import at_users_line

GETITEM = Operation("getitem", lambda x, *s, spec: index.getitem(x, *promote.whole(s), spec=spec), "SelectBackward0")
SLICE = Operation("slice", lambda x, *s, spec: index.getitem(x, *promote.whole(s), spec=spec), "SliceBackward0")
SETITEM = Operation("setitem", promote.overwritten, "CopySlices")
GATHER = Operation("index", promote.rows, "IndexBackward0")
TAKE_ALONG = Operation("take_along_axis", promote.along, "GatherBackward0")


Basic = tuple[tuple[Entry, ...], tuple[int, ...]]
"""A basic index: its spec and the starts."""


def parse(key: Any, shape: tuple[int, ...]) -> Basic:
    """The spec and starts of a basic index; TN801 out of range, TN802 for what is no index."""
    entries = key if type(key) is tuple else (key,)
    given = sum([e is not None and e is not Ellipsis for e in entries])
    dots = sum([e is Ellipsis for e in entries])
    if given > len(shape):
        raise OutOfRange(f"{given} indices for a tensor of {len(shape)} dimensions")
    if dots > 1:
        raise OutOfRange("an index may have only one Ellipsis (…)")
    if not dots:
        entries = (*entries, Ellipsis)
    spec: list[Entry] = []
    starts: list[int] = []
    axis = 0
    for e in entries:
        if e is None:
            spec.append("+")
        elif e is Ellipsis:
            rest = len(shape) - given
            spec.extend([":"] * rest)
            axis += rest
        else:
            entry, start = _entry(e, axis, shape[axis])
            spec.append(entry)
            if start is not None:
                starts.append(start)
            axis += 1
    return tuple(spec), tuple(starts)


def _entry(e: Any, axis: int, size: int) -> tuple[Entry, int | None]:
    if type(e) is slice:
        if e.start is None and e.stop is None and e.step is None:
            return ":", None
        try:
            start, stop, step = e.indices(size)
        except ValueError:
            raise ShapeError("the step of a slice is not zero") from None
        except TypeError:
            raise DTypeError(f"a slice is made of ints, not {e}") from None
        if (start, step) == (0, 1) and stop == size:
            return ":", None
        return (len(range(start, stop, step)), step), start
    try:
        i = int_of(e)
    except TypeError:
        raise DTypeError(
            f"{e!r} of type {type(e).__name__} is no index for axis {axis}",
            help="an index is an int, a slice, None, … or an integer tensor; convert a float with int(…)",
        ) from None
    if not -size <= i < size:
        raise OutOfRange(f"index {i} is out of range for axis {axis} of size {size}")
    return "i", i + size if i < 0 else i


def int_of(e: Any) -> int:
    """The Python int of an index; a bool is none."""
    if isinstance(e, bool | np.bool_):
        raise TypeError
    return operator.index(e)


def getitem(x: Any, key: Any) -> Any:
    """x[key]: a value with the selected elements, in the graph."""
    x = value_of(x)
    shape = x._aval.shape
    if type(key) is int and shape:
        size = shape[0]
        if not -size <= key < size:
            raise OutOfRange(f"index {key} is out of range for axis 0 of size {size}")
        return apply_one(GETITEM, x, first_index(len(shape)), key + size if key < 0 else key)
    if type(key) is slice and shape:
        entry, start = _entry(key, 0, shape[0])
        spec = (entry, *[":"] * (len(shape) - 1))
        return apply_one(SLICE, x, (("spec", spec),), start)
    found = remembered(key, shape)
    if found is None:
        indices = advanced(key)
        if indices is not None:
            return apply(GATHER, (x, check_gather(x, indices)))
        found = parse(key, shape)
    spec, starts = found
    return apply(GETITEM if "i" in spec else SLICE, (x,), (("spec", spec),), starts)


PLAIN = frozenset((int, type(None), type(...)))
BOUND = frozenset((int, type(None)))
MOST_PARSED = 4096
_parsed: dict[Any, Basic] = {}


def remembered(key: Any, shape: tuple[int, ...]) -> Basic | None:
    """What ``parse`` says of a tuple of ints, slices of ints, None and …, said before; None for any other index."""
    if type(key) is not tuple:
        return None
    parts: list[Any] = []
    for e in key:
        kind = type(e)
        if kind is slice:
            part = (e.start, e.stop, e.step)
            if type(part[0]) not in BOUND or type(part[1]) not in BOUND or type(part[2]) not in BOUND:
                return None
            parts.append(part)
        elif kind in PLAIN:
            parts.append(e)
        else:
            return None
    exact = (shape, tuple(parts))
    found = _parsed.get(exact)
    if found is None:
        found = parse(key, shape)
        if len(_parsed) >= MOST_PARSED:
            _parsed.clear()
        _parsed[exact] = found
    return found


def apply_basic(x: Any, spec: index.Spec, starts: tuple[int, ...]) -> Any:
    """A basic index that has been parsed and checked."""
    return apply(GETITEM if "i" in spec else SLICE, (x,), (("spec", spec),), starts)


@cache
def first_index(ndim: int) -> tuple[Any, ...]:
    """The parameters of x[int]."""
    return (("spec", ("i", *[":"] * (ndim - 1))),)


def advanced(key: Any) -> Any:
    """The integer tensor that an index consists of, or None if the index is basic."""
    if type(key) is tuple and len(key) == 1:
        key = key[0]
    if isinstance(key, list):
        key = np.asarray(key, dtype=np.int64 if not key else None)
    if isinstance(key, np.ndarray) or (isinstance(key, record._Tensor) and key.shape != ()):
        return value_of(key)
    if type(key) is tuple and any(isinstance(e, list | np.ndarray) or _is_array(e) for e in key):
        raise DTypeError("an index that mixes arrays with other indices is not supported yet")
    return None


def _is_array(e: Any) -> bool:
    return isinstance(e, record._Tensor) and e.shape != ()


def check_gather(x: Any, indices: Any) -> Any:
    """An index tensor that can select along the first axis; what is at hand and small is looked over now."""
    kind = indices._aval.dtype.kind
    if kind == "b":
        raise DTypeError(
            "a boolean mask as an index is not supported yet", help="use tn.where, or multiply by the mask"
        )
    if kind not in "iu":
        raise DTypeError(f"an index of dtype {indices._aval.dtype.name}", help="an index tensor is int32 or int64")
    if not x._aval.shape:
        raise OutOfRange("a 0-dimensional tensor has no axis to index")
    if indices._data is not None and type(indices._data) is np.ndarray and indices._data.size <= 64:
        _check_now(indices._data, x._aval.shape[0])
    return indices


def _check_now(array: Any, size: int) -> None:
    for i in array.ravel().tolist():
        if not -size <= i < size:
            raise OutOfRange(f"index {i} is out of range for axis 0 of size {size}")


def written(x: Any, key: Any, v: Any) -> Any:
    """x with v at x[key]: the value that a place takes by ``x[key] = v``."""
    found = remembered(key, x._aval.shape)
    if found is None and advanced(key) is not None:
        raise DTypeError("writing through an index tensor is not supported yet", help="write slices or single elements")
    spec, starts = found or parse(key, x._aval.shape)
    params = (("spec", spec),)
    v = written_of(v)
    number = type(v) in (bool, int, float)
    h = apply(SETITEM, (x,), params, (v, *starts)) if number else apply(SETITEM, (x, v), params, starts)
    return at_users_line(h)


def split(x: Any, sizes: int | Sequence[int], dim: int = 0) -> tuple[Any, ...]:
    """x in parts along an axis: of a size each (the last may be smaller), or of the given sizes."""
    x = value_of(x)
    axis, size = _axis(x, dim)
    parts = _parts(sizes if isinstance(sizes, int) else tuple(sizes), size, axis, x.ndim)
    return tuple([apply_one(SLICE, x, params, start) for params, start in parts])


def chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """x in at most so many parts of one size (the last may be smaller) along an axis."""
    if chunks < 1:
        raise ShapeError(f"chunk: into {chunks} parts")
    x = value_of(x)
    axis, size = _axis(x, dim)
    return tuple(
        [apply_one(SLICE, x, params, start) for params, start in _parts(max(1, -(-size // chunks)), size, axis, x.ndim)]
    )


def _axis(x: Any, dim: int) -> tuple[int, int]:
    """An axis, not negative, and its size."""
    shape = x._aval.shape
    if not -len(shape) <= dim < len(shape):
        raise OutOfRange(f"axis {dim} is out of range for a tensor of {len(shape)} dimensions")
    return dim % len(shape), shape[dim]


@cache
def _parts(sizes: int | tuple[int, ...], size: int, axis: int, ndim: int) -> list[tuple[Any, int]]:
    """The parameters and the start of each part."""
    if isinstance(sizes, int):
        if sizes < 1:
            raise ShapeError(f"split: into parts of size {sizes}")
        sizes = tuple([min(sizes, size - k) for k in range(0, size, sizes)]) or (0,)
    if sum(sizes) != size or min(sizes, default=0) < 0:
        raise ShapeError(f"split: sizes {list(sizes)} do not make up the {size} of axis {axis}")
    parts, start = [], 0
    for n in sizes:
        parts.append(((("spec", tuple([(n, 1) if k == axis else ":" for k in range(ndim)])),), start))
        start += n
    return parts


def take_along_axis(x: Any, indices: Any, axis: int = -1) -> Any:
    """x[…, indices[…, k], …]: along one axis, row by row; the other axes of both agree. TN801 at the run."""
    x, indices = value_of(x), value_of(indices)
    ndim = len(x._aval.shape)
    if not -ndim <= axis < ndim:
        raise OutOfRange(f"axis {axis} is out of range for a tensor of {ndim} dimensions")
    return apply(TAKE_ALONG, (x, indices), (("axis", axis % ndim),))
