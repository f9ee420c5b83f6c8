"""logsumexp and variance in primitives, on builder values as in ``promote``."""

from __future__ import annotations

import math

from tenure.errors import DTypeError
from tenure.ir.program import Value
from tenure.ops import pointwise, promote, reduce


def logsumexp(x: Value, *, axes: tuple[int, ...], keepdims: bool) -> Value:
    """log Σ exp(x), which no finite x overflows: the largest element, a constant here, is taken out first."""
    x = promote.floating(x)
    if any(x.shape[k] == 0 for k in axes):
        return promote.keep(pointwise.log(reduce.reduce_sum(x, axes=axes)), x, axes, keepdims)
    top = promote.stop(reduce.reduce_max(x, axes=axes))
    top = pointwise.where(pointwise.isfinite(top), top, top.coerce(0))
    total = reduce.reduce_sum(pointwise.exp(x - reduce.broadcast_back(top, x, axes)), axes=axes)
    return promote.keep(pointwise.log(total) + top, x, axes, keepdims)


def shifted(x: Value, axes: tuple[int, ...]) -> tuple[Value, Value, Value]:
    """x minus its rounded mean m, m, and what m lacks of the mean. m is a constant: the sum of any two, and what is
    made of x − mean, depends on it by rounding alone."""
    count = float(math.prod(x.shape[k] for k in axes))
    mean = promote.stop(reduce.reduce_sum(x, axes=axes) / count)
    away = x - reduce.broadcast_back(mean, x, axes)
    return away, mean, reduce.reduce_sum(away, axes=axes) / count


def squares(away: Value, rest: Value, axes: tuple[int, ...]) -> Value:
    """Σ (x − mean)² of what ``shifted`` gives, by its sums alone; at least 0."""
    count = float(math.prod(away.shape[k] for k in axes))
    total = reduce.reduce_sum(away * away, axes=axes) - rest * rest * count
    zero = total.coerce(0)
    return total + promote.stop(pointwise.where(pointwise.less(total, zero), -total, zero))


def variance(x: Value, *, axes: tuple[int, ...], keepdims: bool, correction: float) -> Value:
    """Σ (x − mean)² / (n − correction), n the number of elements; the divisor is 0 where it would be negative.

    Source: the corrected two-pass algorithm, Chan, Golub, LeVeque, The American Statistician 37 (1983).
    """
    if not x.dtype.is_floating:
        raise DTypeError(f"var of {x.dtype.name} has no dtype of its own", help="cast first: x.to(tn.float32).var(…)")
    away, _, rest = shifted(x, axes)
    ans = squares(away, rest, axes) / max(0.0, math.prod(x.shape[k] for k in axes) - correction)
    return promote.keep(ans, x, axes, keepdims)


def deviation(x: Value, *, axes: tuple[int, ...], keepdims: bool, correction: float) -> Value:
    """The square root of the variance; the gradient where all elements are equal is 0."""
    spread = variance(x, axes=axes, keepdims=keepdims, correction=correction)
    return pointwise.where(pointwise.greater(spread, spread.coerce(0)), pointwise.sqrt(spread), spread)
