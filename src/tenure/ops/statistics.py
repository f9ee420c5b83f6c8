"""logsumexp and variance in primitives, on builder values as in ``promote``."""

from __future__ import annotations

import math

from tenure.errors import DTypeError
from tenure.ir.program import Value
from tenure.ops import pointwise, promote, reduce, special


def logsumexp(x: Value, *, axes: tuple[int, ...], keepdims: bool) -> Value:
    """log Σ exp(x), which no finite x overflows: the largest element, a constant here, is taken out first. Elements
    that equal it share the gradient where it is infinite too."""
    x = promote.floating(x)
    if any(x.shape[k] == 0 for k in axes):
        return promote.keep(pointwise.log(reduce.reduce_sum(x, axes=axes)), x, axes, keepdims)
    top = promote.stop(reduce.reduce_max(x, axes=axes))
    away = special.distance(x, reduce.broadcast_back(top, x, axes))
    total = reduce.reduce_sum(pointwise.exp(away), axes=axes)
    return promote.keep(pointwise.log(total) + top, x, axes, keepdims)


def variance(x: Value, *, axes: tuple[int, ...], keepdims: bool, correction: float) -> Value:
    """Σ (x − mean)² / (n − correction), n the number of elements; the divisor is 0 where it would be negative."""
    if not x.dtype.is_floating:
        raise DTypeError(f"var of {x.dtype.name} has no dtype of its own", help="cast first: x.to(tn.float32).var(…)")
    count = math.prod(x.shape[k] for k in axes)
    mean = reduce.reduce_sum(x, axes=axes) / float(count)
    away = x - reduce.broadcast_back(mean, x, axes)
    ans = reduce.reduce_sum(away * away, axes=axes) / max(0.0, count - correction)
    return promote.keep(ans, x, axes, keepdims)


def deviation(x: Value, *, axes: tuple[int, ...], keepdims: bool, correction: float) -> Value:
    """The square root of the variance; the gradient where all elements are equal is 0."""
    spread = variance(x, axes=axes, keepdims=keepdims, correction=correction)
    return pointwise.where(pointwise.greater(spread, spread.coerce(0)), pointwise.sqrt(spread), spread)
