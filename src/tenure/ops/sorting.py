"""Sorting and what is chosen by order, in primitives: an order of keys, and the elements read at it.

    values, indices = ordered x      becomes      indices = order (keys x) 0; values = take_along x indices

So the gradient goes to the elements that were taken, the first of equals. Axes are moved to the end and back.
"""

from __future__ import annotations

from tenure import dtypes
from tenure.errors import DTypeError
from tenure.ir.program import Value
from tenure.ops import division, integers, move, pointwise, reduce, rounding
from tenure.ops.index import getitem, take_along
from tenure.ops.ordering import order, order_key, search
from tenure.ops.promote import as_type, common, keep
from tenure.ops.rearrange import ordered as permuted
from tenure.ops.rearrange import shaped

Pair = tuple[Value, Value]
EXACT = 1 << 24
"""Elements of a row whose places float32 has, in which quantiles of float32 are placed as PyTorch does it."""
FEW = 16
"""Elements of a sorted list for each that is searched, from which it is not made keys: that reads all of it."""
MANY = 1 << 32
"""Keys of a row from which they are taken as wide ones, whose pairs have room for any index."""


def keys(x: Value, descending: bool = False, name: str = "sort") -> Value:
    """Whole numbers of 32 or 64 bits in the order of real numbers or bools, or the other way round."""
    kind, size = x.dtype.kind, x.dtype.itemsize
    if kind not in "biu" and not x.dtype.is_floating:
        raise DTypeError(f"{name} of {x.dtype.name}: its numbers have no order")
    long = bool(x.ndim) and x.shape[-1] >= MANY
    if kind not in "biu":
        x = x if size >= 4 else as_type(x, dtypes.float32)
        key = order_key(x, descending=descending)
        return as_type(key, dtypes.int64) if long else key
    whole = dtypes.int64 if long or size == 8 or (kind == "u" and size == 4) else dtypes.int32
    key = as_type(x, whole)
    if kind == "u" and size == 8:
        key = integers.bitwise_xor(key, key.coerce(-(2**63)))
    return integers.bitwise_not(key) if descending else key


def turned(ndim: int, axis: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The order of axes with one at the end, and the order that puts it back."""
    rest = [k for k in range(ndim) if k != axis]
    return (*rest, axis), (*range(axis), ndim - 1, *range(axis, ndim - 1))


def places(x: Value, start: Value | int, length: int, descending: bool, name: str) -> Value:
    """The indices of a part of each sorted row."""
    first = x.builder.constant(start, dtypes.int64) if isinstance(start, int) else as_type(start, dtypes.int64)
    return order(keys(x, descending, name), first, length=length)


def arg_part(
    x: Value, start: Value | None = None, *, axis: int, length: int, descending: bool = False, name: str = "sort"
) -> Value:
    """The indices of a part of x sorted along an axis."""
    return part(x, start, axis=axis, length=length, descending=descending, name=name)[1]


def part(
    x: Value, start: Value | None = None, *, axis: int, length: int, descending: bool = False, name: str = "sort"
) -> Pair:
    """A part of x sorted along an axis, and its indices."""
    there, back = turned(x.ndim, axis)
    rows = permuted(x, there)
    found = places(rows, 0 if start is None else start, length, descending, name)
    return permuted(take_along(rows, found), back), permuted(found, back)


def one(x: Value, start: Value, *, axis: int, keepdims: bool) -> Pair:
    """The element at a place of x sorted along an axis, and its index."""
    values, indices = part(x, start, axis=axis, length=1, name="kthvalue")
    return squeezed(values, axis, keepdims), squeezed(indices, axis, keepdims)


def squeezed(x: Value, axis: int, keepdims: bool) -> Value:
    """x without an axis of size 1, unless that is kept."""
    return x if keepdims else shaped(x, (*x.shape[:axis], *x.shape[axis + 1 :]))


def is_nan(x: Value) -> Value:
    """The mask of the NaN of x."""
    found: Value = pointwise.not_equal(x, x)
    return found


def median(x: Value, *, axis: int, keepdims: bool, leaves_out: bool) -> Pair:
    """The lower of the two middle elements along an axis, and its index; the first NaN if there is one, unless these
    are left out."""
    n = x.shape[axis]
    if x.dtype.kind in "biu":
        return one(x, x.builder.constant((n - 1) // 2, dtypes.int64), axis=axis, keepdims=keepdims)
    there, back = turned(x.ndim, axis)
    rows, none = permuted(x, there), is_nan(x)
    if leaves_out:
        missing = reduce.reduce_sum(as_type(permuted(none, there), dtypes.int64), axes=(x.ndim - 1,))
        last = pointwise.maximum(missing.coerce(n - 1) - missing, missing.coerce(0))
        middle = division.floor_divide(last, last.coerce(2))
        found = take_along(places(rows, 0, n, False, "nanmedian"), shaped(middle, (*middle.shape, 1)))
    else:
        found = places(rows, (n - 1) // 2, 1, False, "median")
        first = reduce.argmax(permuted(none, there), axis=x.ndim - 1)
        any_ = reduce.reduce_max(permuted(none, there), axes=(x.ndim - 1,))
        found = pointwise.where(*(shaped(y, found.shape) for y in (any_, first)), found)
    values = permuted(take_along(rows, found), back)
    return squeezed(values, axis, keepdims), squeezed(permuted(found, back), axis, keepdims)


def median_of_all(x: Value, *, leaves_out: bool) -> Value:
    """The lower of the two middle elements; elements equal to it share its gradient."""
    flat = move.reshape(x, shape=(x.aval.size,))
    found, _ = median(flat, axis=0, keepdims=False, leaves_out=leaves_out)
    if x.dtype.kind in "biu":
        return found
    equal = pointwise.logical_or(pointwise.equal(flat, found), pointwise.logical_and(is_nan(flat), is_nan(found)))
    low, high = (pointwise.where(equal, flat, flat.coerce(y)) for y in (float("-inf"), float("inf")))
    least, most = reduce.reduce_min(high, axes=(0,)), reduce.reduce_max(low, axes=(0,))
    return pointwise.where(pointwise.less(found, found.coerce(0)), least, most)


def mode(x: Value, *, axis: int, keepdims: bool) -> Pair:
    """The most frequent element along an axis, of several the smallest, and the index of its last appearance."""
    there, back = turned(x.ndim, axis)
    rows = permuted(x, there)
    given = keys(rows, name="mode")
    found = order(given, x.builder.constant(0, dtypes.int64), length=rows.shape[-1])
    known = take_along(given, found)
    behind = search(known, known, behind=True)
    times = behind - search(known, known, behind=False)
    best = shaped(reduce.argmax(times, axis=x.ndim - 1), (*rows.shape[:-1], 1))
    at = take_along(found, take_along(behind, best) - 1)
    values = permuted(take_along(rows, at), back)
    return squeezed(values, axis, keepdims), squeezed(permuted(at, back), axis, keepdims)


def found_among(known: Value, x: Value, *sorter: Value, behind: bool, narrow: bool) -> Value:
    """The number of elements of sorted rows that are below each of x, or not above it."""
    if sorter:
        known = take_along(known, as_type(sorter[0], dtypes.int64))
    known, x = common(known, x)
    plain = known.dtype in (dtypes.float32, dtypes.float64) and FEW * x.aval.size <= known.aval.size
    wanted = (known, x) if plain else [keys(y, name="searchsorted") for y in (known, x)]
    found = search(*wanted, behind=behind)
    return as_type(found, dtypes.int32) if narrow else found


def contained(x: Value, test: Value, *, invert: bool) -> Value:
    """Whether each element of x is one of some others: no NaN is."""
    x, test = common(x, test)
    among = move.reshape(test, shape=(test.aval.size,))
    if not test.aval.size:
        return x.builder.full(x.shape, invert, dtypes.bool_)
    start = x.builder.constant(0, dtypes.int64)
    given = keys(among, name="isin")
    known = take_along(given, order(given, start, length=test.aval.size))
    wanted = keys(x, name="isin")
    at = pointwise.minimum(search(known, wanted, behind=False), start.coerce(test.aval.size - 1))
    flat = move.reshape(at, shape=(x.aval.size,))
    hit = pointwise.equal(move.reshape(take_along(known, flat), shape=x.shape), wanted)
    if x.dtype.kind not in "biu":
        hit = pointwise.logical_and(hit, pointwise.equal(x, x))
    return pointwise.logical_not(hit) if invert else hit


# -- quantiles


def between(low: Value, high: Value, weight: Value) -> Value:
    """The number at a part of the way from one to another: each at its end, of equal infinities the same."""
    way, equal = high - low, pointwise.equal
    near = pointwise.where(pointwise.less(weight, weight.coerce(0.5)), low + way * weight, high - way * (1 - weight))
    same = pointwise.logical_and(equal(low, high), is_nan(way))
    first = pointwise.logical_or(same, equal(weight, weight.coerce(0)))
    return pointwise.where(first, low, pointwise.where(equal(weight, weight.coerce(1)), high, near))


def quantile(x: Value, start: Value, weight: Value, *, axis: int, keepdims: bool) -> Value:
    """The number between two neighbours of x sorted along an axis, the first at a place; NaN if there is one."""
    length = min(x.shape[axis], 2)
    there, _ = turned(x.ndim, axis)
    rows = permuted(x, there)
    pair = take_along(rows, places(rows, start, length, False, "quantile"))
    low, high = (column(pair, k) for k in (0, length - 1))
    missing = reduce.reduce_max(is_nan(rows), axes=(x.ndim - 1,))
    found = between(low, high, move.broadcast_to(as_type(weight, x.dtype), shape=low.shape))
    found = pointwise.where(missing, found.coerce(float("nan")), found)
    return keep(found, x, (axis,), keepdims)


def column(x: Value, k: int) -> Value:
    """Element k of each row."""
    spec = (*[":"] * (x.ndim - 1), "i")
    return getitem(x, x.builder.constant(k, dtypes.int64), spec=spec)


def quantiles(x: Value, q: Value, *, axis: int, keepdims: bool, leaves_out: bool, way: str) -> Value:
    """Quantiles of x along an axis, those of a list in front. NaN if there is one, unless these are left out."""
    there, _ = turned(x.ndim, axis)
    rows = permuted(x, there)
    n = rows.shape[-1]
    known = take_along(rows, places(rows, 0, n, False, "quantile"))
    missing = reduce.reduce_sum(as_type(is_nan(rows), dtypes.int64), axes=(x.ndim - 1,))
    last = missing.coerce(n - 1) - (missing if leaves_out else missing * 0)
    some = (q.aval.size, *rows.shape[:-1])
    exact = dtypes.float64 if n > EXACT or q.dtype.itemsize == 8 else dtypes.float32
    wanted = move.reshape(as_type(q, exact), shape=(q.aval.size, *[1] * (x.ndim - 1)))
    end = as_type(pointwise.maximum(last, last.coerce(0)), exact)
    at = move.broadcast_to(wanted, shape=some) * move.broadcast_to(end, shape=some)
    low, weight = parted(at, way)
    first = as_type(low, dtypes.int64)
    second = pointwise.minimum(first + 1, first.coerce(n - 1))
    many = move.broadcast_to(known, shape=(q.aval.size, *known.shape))
    ends = [shaped(take_along(many, shaped(i, (*some, 1))), some) for i in (first, second)]
    found = between(ends[0], ends[1], as_type(weight, x.dtype))
    bad = pointwise.less(last, last.coerce(0)) if leaves_out else pointwise.greater(missing, missing.coerce(0))
    found = pointwise.where(move.broadcast_to(bad, shape=some), found.coerce(float("nan")), found)
    kept = [1 if k == axis else size for k, size in enumerate(x.shape) if keepdims or k != axis]
    return shaped(found, (*q.shape, *kept))


def parted(at: Value, way: str) -> Pair:
    """The place below a place between two elements, and how much it is of the way to the next."""
    if way == "nearest":
        at = rounding.round(at)
    elif way == "higher":
        at = -pointwise.floor(-at)
    low = pointwise.floor(at)
    if way == "linear":
        return low, at - low
    if way == "midpoint":
        return low, pointwise.where(pointwise.equal(at, low), at.coerce(0.0), at.coerce(0.5))
    return low, low * 0
