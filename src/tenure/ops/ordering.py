"""Order of keys, and search among them: what sorting, selecting and counting by value are made of.

    order_key x            whole numbers in the order of the elements of x
    order keys start       the indices of a part of each sorted row, the first of equals first
    first_equal keys       for each key of a row the index of the first that equals it
    search known keys      where keys go in sorted rows

Only indices are computed by comparing: a sorted array is read at them, and so is its gradient. NaN is behind all
numbers, and −0.0 equals 0.0, as in NumPy and PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan, prod
from typing import Any

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ir.program import Value
from tenure.ir.traits import Traits
from tenure.ops.batching import aligned, examples, spread
from tenure.ops.declare import REALS, claim, primitive
from tenure.ops.index import take_along
from tenure.ops.lowering import Ordered, Routine, elementwise
from tenure.ops.move import broadcast_to, iota, reshape
from tenure.ops.order import room_of
from tenure.ops.pointwise import maximum, minimum

PAIR, LOOK_UP, HALVING = 500, 100, 25
"""The products that take the time of ordering a key, of looking one up, and of a step of a search."""


def _key_aval(x: Aval, *, descending: bool) -> Aval:
    claim("order_key", x.dtype, "f")
    return Aval(x.shape, dtypes.int32 if x.dtype.itemsize == 4 else dtypes.int64)


def _order_key(np: Any, x: Any, *, descending: bool) -> Any:
    kind = np.int32 if x.dtype.itemsize == 4 else np.int64
    bits = np.where(np.isnan(x), np.asarray(np.nan, x.dtype), x + 0).astype(x.dtype).view(kind)
    key = np.where(bits < 0, bits ^ np.iinfo(kind).max, bits)
    return ~key if descending else key


def _key_samples(rng: Any, dtype: DType) -> Any:
    for shape in ((), (5,), (2, 3), (0,)):
        for descending in (False, True):
            yield (REALS(rng, shape, dtype),), {"descending": descending}


order_key: Primitive = primitive(
    "order_key",
    lower=elementwise(lambda e, x, *, descending: e.call("order_key", x, descending=descending), exact=False),
    aval=_key_aval,
    ref=_order_key,
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    batch=aligned,
    dtypes="f",
    samples=_key_samples,
)
"""Integers as wide as floats, in their order or the other way round."""


def _keys(name: str, *keys: Aval) -> None:
    """TN802 for what is not int32 or int64."""
    for x in keys:
        if x.dtype not in (dtypes.int32, dtypes.int64) or x.dtype is not keys[0].dtype:
            raise DTypeError(f"{name}: keys of dtype {x.dtype.name}, where int32 or int64 are wanted")


def _wide(rng: Any, shape: tuple[int, ...], dtype: DType) -> Any:
    """Keys with equals among them."""
    kind = dtypes.int32 if dtype.itemsize <= 4 else dtypes.int64
    return rng.integers(-3, 4, shape).astype(kind.numpy)


def _numbers(rng: Any, shape: tuple[int, ...], dtype: DType) -> Any:
    """Keys, or floats with equals, both zeros, infinities and NaN among them."""
    if dtype not in (dtypes.float32, dtypes.float64):
        return _wide(rng, shape, dtype)
    return rng.choice([-inf, -1.5, -0.0, 0.0, 2.0, inf, nan], shape).astype(dtype.numpy)


def _order_aval(keys: Aval, start: Aval, *, length: int) -> Aval:
    _keys("order", keys)
    if start.dtype is not dtypes.int64 or start.ndim:
        raise DTypeError(f"order: a start of dtype {start.dtype.name} and shape {list(start.shape)}")
    if not keys.ndim or not 0 <= length <= keys.shape[-1]:
        raise ShapeError(f"order: {length} places of rows of shape {list(keys.shape)}")
    return Aval((*keys.shape[:-1], length), dtypes.int64)


def _order(np: Any, keys: Any, start: Any, *, length: int) -> Any:
    n, start = keys.shape[-1], int(start)
    start = min(max(start, 0), n - length)
    return np.argsort(keys, -1, kind="stable")[..., start : start + length].astype(np.int64)


def _order_batch(of: Primitive, batched: Sequence[bool], keys: Value, start: Value, *, length: int) -> Value:
    """Examples are rows; where each has its own part, all of a row is ordered."""
    count = examples(batched, (keys, start))
    keys = spread(keys, batched[0], count)
    if not batched[1]:
        return of(keys, start, length=length)
    ones = (count, *[1] * (keys.ndim - 2))
    steps = keys.builder.emit(iota, (), {"length": length, "dtype": dtypes.int64})
    start = minimum(maximum(start, start.coerce(0)), start.coerce(keys.shape[-1] - length))
    places = reshape(start, shape=(*ones, 1)) + steps
    whole = of(keys, keys.builder.constant(0, dtypes.int64), length=keys.shape[-1])
    return take_along(whole, broadcast_to(places, shape=(*keys.shape[:-1], length)))


def _order_samples(rng: Any, dtype: DType) -> Any:
    for shape, start, length in (((6,), 0, 6), ((3, 5), 2, 2), ((2, 2, 4), 0, 1), ((70,), 0, 70), ((2, 3), -1, 3)):
        yield (_wide(rng, shape, dtype), dtypes.int64.numpy.type(start)), {"length": length}


def _order_numbers(ans: Aval, xs: Sequence[Aval], *, length: int) -> list[int]:
    n = xs[0].shape[-1]
    rows = xs[0].size // n
    return [rows, n, length, *room_of(rows, n, 8 * xs[0].dtype.itemsize)]


def _order_room(ans: Aval, xs: Sequence[Aval], *, length: int) -> int:
    *_, groups, size = _order_numbers(ans, xs, length=length) if ans.size else (0, 0)
    return max(groups * size, 8)


order: Primitive = primitive(
    "order",
    lower=Routine("order", _order_numbers, lambda ans, xs: PAIR * xs[0].size, _order_room),
    aval=_order_aval,
    ref=_order,
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    batch=_order_batch,
    traits=Traits(extents=lambda shape, *, length: {"length": None}),
    dtypes="i",
    samples=_order_samples,
)
"""The indices of ``length`` places, from a start on, of each row in order; a start outside is the nearest inside."""


def _first_aval(keys: Aval) -> Aval:
    _keys("first_equal", keys)
    if not keys.ndim or keys.shape[-1] >= 1 << 31:
        raise ShapeError(f"first_equal: rows of shape {list(keys.shape)}")
    return Aval(keys.shape, dtypes.int64)


def _first_equal(np: Any, keys: Any) -> Any:
    out = np.empty(keys.shape, np.int64)
    for k in np.ndindex(keys.shape[:-1]):
        _, first, which = np.unique(keys[k], return_index=True, return_inverse=True)
        out[k] = first[which]
    return out


def _first_samples(rng: Any, dtype: DType) -> Any:
    for shape in ((6,), (3, 5), (2, 2, 4), (70,), (0,), (1,)):
        yield (_wide(rng, shape, dtype),), {}


def _first_numbers(ans: Aval, xs: Sequence[Aval]) -> list[int]:
    n = xs[0].shape[-1]
    return [xs[0].size // n if n else 0, n, 2 << n.bit_length()]


first_equal: Primitive = primitive(
    "first_equal",
    lower=Routine(
        "first_equal",
        _first_numbers,
        lambda ans, xs: LOOK_UP * xs[0].size,
        lambda ans, xs: 8 << xs[0].shape[-1].bit_length(),
    ),
    aval=_first_aval,
    ref=_first_equal,
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    batch=aligned,
    dtypes="i",
    samples=_first_samples,
)
"""For each key of a row the index of the first that equals it."""


def _search_aval(known: Aval, keys: Aval, *, behind: bool) -> Aval:
    if not (known.dtype is keys.dtype and known.dtype in (dtypes.float32, dtypes.float64)):
        _keys("search", known, keys)
    if not known.ndim or (known.ndim > 1 and known.shape[:-1] != keys.shape[:-1]):
        raise ShapeError(f"search: sorted rows of shape {list(known.shape)} for keys of shape {list(keys.shape)}")
    return Aval(keys.shape, dtypes.int64)


def _search(np: Any, known: Any, keys: Any, *, behind: bool) -> Any:
    side, n = "right" if behind else "left", known.shape[-1]
    if known.ndim == 1:
        return np.asarray(np.searchsorted(known, keys, side), np.int64)
    if not keys.size:
        return np.zeros(keys.shape, np.int64)
    rows = zip(known.reshape(prod(known.shape[:-1]), n), keys.reshape(-1, keys.shape[-1]), strict=True)
    found = [np.searchsorted(row, wanted, side) for row, wanted in rows]
    return np.asarray(found, np.int64).reshape(keys.shape)


def _search_batch(of: Primitive, batched: Sequence[bool], known: Value, keys: Value, *, behind: bool) -> Value:
    """Examples of keys are more keys of one sorted row, or each example has rows of its own."""
    if not batched[0] and known.ndim == 1:
        return of(known, keys, behind=behind)
    count = examples(batched, (known, keys))
    known, keys = spread(known, batched[0], count), spread(keys, batched[1], count)
    shape = keys.shape
    if known.ndim == 2:
        keys = reshape(keys, shape=(count, prod(shape[1:])))
    return reshape(of(known, keys, behind=behind), shape=shape)


def _search_samples(rng: Any, dtype: DType) -> Any:
    rows = ((3, 6), (3, 2)), ((2, 1, 20), (2, 1, 9))
    for known, keys in (((5,), (4,)), ((5,), ()), ((0,), (3,)), *rows, ((4,), (0,))):
        for behind in (False, True):
            found, wanted = (_numbers(rng, shape, dtype) for shape in (known, keys))
            found.sort(-1)
            yield (found, wanted), {"behind": behind}


def _search_numbers(ans: Aval, xs: Sequence[Aval], *, behind: bool) -> list[int]:
    known, keys = xs
    lists = 1 if known.ndim == 1 else prod(known.shape[:-1])
    m = keys.size if known.ndim == 1 else keys.shape[-1]
    return [lists, known.shape[-1], keys.size // m, m, int(behind)]


search: Primitive = primitive(
    "search",
    lower=Ordered(
        "search",
        _search_numbers,
        lambda ans, xs: HALVING * ans.size * (xs[0].shape[-1].bit_length() + 1),
    ),
    aval=_search_aval,
    ref=_search,
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    batch=_search_batch,
    dtypes="if",
    samples=_search_samples,
)
"""The number of keys of a sorted row that are below each key, or with ``behind`` not above it. Keys are int32, int64 or
floats of 32 or 64 bits: to make keys of a long row would take longer than to search it for a few."""
