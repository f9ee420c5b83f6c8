"""Numbers counted by value, in primitives: elements are added up at the number of their bin.

    counts x      becomes      add_rows (zeros size) ones x

What lies in no bin goes into one more, which is cut off.
"""

from __future__ import annotations

from math import nan, prod

from tenure import dtypes
from tenure.ir.program import Value
from tenure.ops import move, pointwise, reduce
from tenure.ops.advanced import add_rows
from tenure.ops.ordering import search
from tenure.ops.promote import as_type
from tenure.ops.rearrange import part
from tenure.ops.sorting import keys


def flat(x: Value) -> Value:
    """All elements in one row."""
    return x if x.ndim == 1 else move.reshape(x, shape=(x.aval.size,))


def added(bins: Value, weight: Value | None, size: int) -> Value:
    """The numbers of elements by bin, or the sums of their weights."""
    ones = weight if weight is not None else bins.builder.full(bins.shape, 1, dtypes.int64)
    return add_rows(bins.builder.full((size,), 0, ones.dtype), ones, bins)


def counts(x: Value, *weights: Value, size: int) -> Value:
    """The number of times that each whole number is in a list; or the sum of its weights, floats as they are, else in
    float64."""
    bins = as_type(x, dtypes.int64)
    if not weights:
        return added(bins, None, size)
    (weight,) = weights
    return added(bins, weight if weight.dtype.is_floating else as_type(weight, dtypes.float64), size)


def ends(x: Value, low: Value, high: Value, fitted: bool, margin: float) -> tuple[Value, Value]:
    """The ends of a range: those given, or of all elements; a range without width is so much wider at both ends."""
    if fitted and x.aval.size:
        axes = tuple(range(x.ndim))
        low, high = reduce.reduce_min(x, axes=axes), reduce.reduce_max(x, axes=axes)
    else:
        low, high = as_type(low, x.dtype), as_type(high, x.dtype)
    same = pointwise.equal(low, high)
    return pointwise.where(same, low - margin, low), pointwise.where(same, high + margin, high)


def equal_bins(x: Value, low: Value, high: Value, *, bins: int, fitted: bool) -> Value:
    """The numbers of elements in bins of one width; NaN where the range of x is not finite."""
    x = flat(x)
    low, high = ends(x, low, high, fitted, 1.0)
    at = (x - move.broadcast_to(low, shape=x.shape)) * bins / move.broadcast_to(high - low, shape=x.shape)
    place = pointwise.minimum(as_type(at, dtypes.int64), at.builder.constant(bins - 1, dtypes.int64))
    inside = pointwise.logical_and(
        pointwise.less_equal(move.broadcast_to(low, shape=x.shape), x),
        pointwise.less_equal(x, move.broadcast_to(high, shape=x.shape)),
    )
    found = added(pointwise.where(inside, place, place.coerce(bins)), None, bins + 1)
    counts, size = as_type(part(found, 0, 0, bins), x.dtype), move.broadcast_to(high - low, shape=(bins,))
    return pointwise.where(pointwise.isfinite(size), counts, counts.coerce(nan)) if fitted else counts


def edges(x: Value, low: Value, high: Value, *, bins: int, fitted: bool) -> Value:
    """The edges of bins of one width, the ends as they are."""
    low, high = ends(x, low, high, fitted, 0.5)
    steps = as_type(x.builder.emit(move.iota, (), {"length": bins + 1, "dtype": dtypes.int64}), x.dtype)
    low, high = (move.broadcast_to(y, shape=steps.shape) for y in (low, high))
    return pointwise.where(pointwise.equal(steps, steps.coerce(bins)), high, low + (high - low) / bins * steps)


def binned(x: Value, edges: Value) -> Value:
    """The number of the bin of each element of a list between neighbouring edges, behind the last for those in none."""
    bins = edges.aval.size - 1
    above = search(keys(edges), keys(x), behind=True)
    last = move.broadcast_to(part(edges, 0, bins, 1), shape=x.shape)
    place = pointwise.where(pointwise.equal(x, last), above.coerce(bins), above) - 1
    outside = pointwise.logical_or(pointwise.less(place, place.coerce(0)), pointwise.not_equal(x, x))
    outside = pointwise.logical_or(outside, pointwise.greater(x, last))
    return pointwise.where(outside, place.coerce(bins), place)


def histogram(x: Value, *given: Value, axes: int, density: bool) -> Value:
    """The numbers of points, whose coordinates are the last axis, between neighbouring edges along each axis, or the
    sums of their weights, which follow the edges."""
    edges, weights = given[:axes], given[axes:]
    points, sizes = move.reshape(x, shape=(x.aval.size // axes, axes)), tuple([y.aval.size - 1 for y in edges])
    places = [binned(flat(part(points, 1, k, 1)), along) for k, along in enumerate(edges)]
    place, total = places[0], prod(sizes)
    outside = pointwise.equal(place, place.coerce(sizes[0]))
    for here, bins in zip(places[1:], sizes[1:], strict=True):
        outside = pointwise.logical_or(outside, pointwise.equal(here, here.coerce(bins)))
        place = place * bins + here
    place = pointwise.where(outside, place.coerce(total), place)
    weight = as_type(flat(weights[0]), x.dtype) if weights else None
    found = as_type(move.reshape(part(added(place, weight, total + 1), 0, 0, total), shape=sizes), x.dtype)
    if not density:
        return found
    found = found / move.broadcast_to(reduce.reduce_sum(found, axes=tuple(range(axes))), shape=sizes)
    for k, (along, bins) in enumerate(zip(edges, sizes, strict=True)):
        widths = part(along, 0, 1, bins) - part(along, 0, 0, bins)
        shape = tuple([bins if axis == k else 1 for axis in range(axes)])
        found = found / move.broadcast_to(move.reshape(widths, shape=shape), shape=sizes)
    return found
