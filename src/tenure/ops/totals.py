"""Products, counts, sums without NaN, norms and differences in primitives, on builder values as in ``promote``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError
from tenure.ir.program import Value
from tenure.ops import complex_sums, index, pointwise, reduce, scan, special
from tenure.ops.move import pad, reshape
from tenure.ops.promote import accumulated, as_type, average, common, floating, keep, stop, total

Axes = tuple[int, ...]


def product(x: Value, *, axes: Axes, keepdims: bool, dtype: DType | None = None) -> Value:
    """The product; bools and narrow integers are multiplied in the default integer."""
    x = as_type(x, accumulated(x.dtype) if dtype is None else dtype)
    return keep(reduce.reduce_prod(x, axes=axes), x, axes, keepdims)


def nonzeros(x: Value, *, axes: Axes, keepdims: bool) -> Value:
    """The number of elements that are not zero."""
    return total(pointwise.not_equal(x, x.coerce(0)), axes=axes, keepdims=keepdims, dtype=dtypes.default_int)


def without_nan(x: Value) -> Value:
    """x with zeros for NaN, from which no gradient goes on."""
    return pointwise.where(pointwise.isnan(x), x.coerce(0), x) if x.dtype.is_floating else x


def nan_total(x: Value, *, axes: Axes, keepdims: bool, dtype: DType | None = None) -> Value:
    """The sum of what is not NaN."""
    return total(without_nan(x), axes=axes, keepdims=keepdims, dtype=dtype)


def nan_average(x: Value, *, axes: Axes, keepdims: bool) -> Value:
    """The mean of what is not NaN; NaN of nothing."""
    if not x.dtype.is_floating:
        return average(x, axes=axes, keepdims=keepdims)
    found = total(pointwise.equal(x, x), axes=axes, keepdims=keepdims, dtype=x.dtype)
    return total(without_nan(x), axes=axes, keepdims=keepdims) / found


# -- norms


def norm(x: Value, *, axes: Axes, keepdims: bool, order: float, dtype: DType | None = None) -> Value:
    """(Σ |x|^p)^(1/p), whose derivatives are 0 where a norm is 0; the limits for p = ±∞, and for 0 the number of
    elements that are not zero."""
    x = x if dtype is None else as_type(x, dtype)
    x = pointwise.absolute(x) if x.dtype.is_complex else x
    if not x.dtype.is_floating:
        raise DTypeError(f"norm of {x.dtype.name} has no dtype of its own", help="cast first: x.to(tn.float32)")
    if order == 0:
        return keep(reduce.reduce_sum(as_type(_nonzero(x), x.dtype), axes=axes), x, axes, keepdims)
    if math.isinf(order):
        extreme = reduce.reduce_max if order > 0 else reduce.reduce_min
        return keep(extreme(pointwise.absolute(x), axes=axes), x, axes, keepdims)
    if order == 2:
        return keep(_root(reduce.reduce_sum(x * x, axes=axes), 2), x, axes, keepdims)
    size = pointwise.absolute(x)
    if order == 1:
        return keep(reduce.reduce_sum(size, axes=axes), x, axes, keepdims)
    power = pointwise.power(size, size.coerce(order))
    terms = pointwise.where(_nonzero(x), power, size.coerce(0)) if order > 0 else power
    return keep(_root(reduce.reduce_sum(terms, axes=axes), order), x, axes, keepdims)


def _nonzero(x: Value) -> Value:
    found: Value = pointwise.not_equal(x, x.coerce(0))
    return found


def _root(x: Value, order: float) -> Value:
    """x^(1/p); a constant 0 where that is 0."""
    root: Value = pointwise.sqrt(x) if order == 2 else pointwise.power(x, x.coerce(1 / order))
    return pointwise.where(pointwise.equal(x, x.coerce(0 if order > 0 else math.inf)), x.coerce(0), root)


# -- scans


def of_list(x: Value, function: Callable[[Value], Any]) -> Any:
    """A function along the first axis; of a number, as of a list of one."""
    if x.ndim:
        return function(x)
    found = function(reshape(x, shape=(1,)))
    return tuple([reshape(y, shape=()) for y in found]) if type(found) is tuple else reshape(found, shape=())


def scanned(x: Value, *, operation: str, axis: int, dtype: DType | None = None) -> Value:
    """The sums, or products, of all beginnings of an axis; bools and narrow integers in the default integer."""
    x = as_type(x, accumulated(x.dtype) if dtype is None else dtype)
    if operation == "multiply":
        return of_list(x, lambda x: scan.cumprod(x, axis=axis, reverse=False, exclusive=False))  # type: ignore[no-any-return]
    return of_list(x, lambda x: scan.cumsum(x, axis=axis, reverse=False))  # type: ignore[no-any-return]


def extremes(x: Value, *, operation: str, axis: int) -> tuple[Value, Value]:
    """The extremes of all beginnings of an axis, and the index of each: the last of equals, or the last NaN."""

    def both(x: Value) -> tuple[Value, Value]:
        values = (scan.cummax if operation == "max" else scan.cummin)(x, axis=axis, reverse=False)
        return values, scan.winners(stop(values), stop(x), axis, False)

    return of_list(x, both)  # type: ignore[no-any-return]


def logcumsumexp(x: Value, *, axis: int) -> Value:
    """log Σ exp(x) of all beginnings of an axis, which no finite x overflows.

    The largest element so far, m, is a constant to differentiation. s[k] = exp(m[k − 1] − m[k]) · s[k − 1] +
    exp(x[k] − m[k]) is at least 1, and the result is m + log s.
    """

    def sums(x: Value) -> Value:
        if x.dtype.is_complex:
            return complex_sums.logcumsumexp(x, axis=axis)
        top = stop(scan.cummax(x, axis=axis, reverse=False))
        falls = pointwise.exp(special.distance(top, scan.shifted(top, axis, back=True)))
        terms = pointwise.exp(special.distance(x, top))
        total = scan.recurrence(scan.shifted(falls, axis, back=False), terms, axis=axis, reverse=False)
        return pointwise.log(total) + top

    return of_list(floating(x), sums)  # type: ignore[no-any-return]


# -- differences


def part(x: Value, axis: int, start: int, length: int) -> Value:
    """Some neighbours along an axis."""
    spec = tuple([(length, 1) if k == axis else ":" for k in range(x.ndim)])
    return index.getitem(x, x.builder.constant(start, dtypes.int64), spec=spec)


def difference(x: Value, *, axis: int, times: int) -> Value:
    """Each element less the one before it along an axis, so many times; of bools, whether they differ."""
    for _ in range(times):
        n = x.shape[axis]
        if n == 0:
            break
        later, former = part(x, axis, 1, n - 1), part(x, axis, 0, n - 1)
        x = pointwise.not_equal(later, former) if x.dtype.kind == "b" else later - former
    return x


def around(x: Value, *, axis: int, before: int, behind: int) -> Value:
    """The sum of each element and its neighbours along an axis, so many before and behind; zeros are beyond."""
    n = x.shape[axis]
    before, behind = min(before, n), min(behind, n)
    wide = pad(x, widths=tuple([(before, behind) if k == axis else (0, 0) for k in range(x.ndim)]))
    total = part(wide, axis, 0, n)
    for k in range(1, before + behind + 1):
        total = total + part(wide, axis, k, n)
    return total


def areas(y: Value, width: Value, *, axis: int) -> Value:
    """The trapezoids between neighbours along an axis, of one width or of one for each."""
    y, n = floating(y), max(y.shape[axis] - 1, 0)
    sides = part(y, axis, 1, n) + part(y, axis, 0, n) if y.shape[axis] else y
    sides, width = common(sides, width if width.aval.weak else floating(width))
    return sides * width * 0.5
