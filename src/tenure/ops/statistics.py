"""logsumexp and variance in primitives, on builder values as in ``promote``."""

from __future__ import annotations

import math

from tenure.dtypes import bfloat16, finfo, float32
from tenure.errors import DTypeError
from tenure.ir.program import Value
from tenure.ops import complex_sums, complexes, pointwise, promote, reduce, special


def logsumexp(x: Value, *, axes: tuple[int, ...], keepdims: bool) -> Value:
    """log Σ exp(x), which no finite x overflows: the largest element, a constant here, is taken out first. Elements
    that equal it share the gradient where it is infinite too."""
    x = promote.floating(x)
    if x.dtype.is_complex:
        return complex_sums.logsumexp(x, axes=axes, keepdims=keepdims)
    if any(x.shape[k] == 0 for k in axes):
        return promote.keep(pointwise.log(reduce.reduce_sum(x, axes=axes)), x, axes, keepdims)
    top = promote.stop(reduce.reduce_max(x, axes=axes))
    away = special.distance(x, reduce.broadcast_back(top, x, axes))
    total = reduce.reduce_sum(pointwise.exp(away), axes=axes)
    return promote.keep(pointwise.log(total) + top, x, axes, keepdims)


def shares(x: Value, axis: int) -> tuple[Value, tuple[int, ...]]:
    """The difference of x and its maximum along an axis, which is constant to differentiation, and the axis if x has
    one."""
    axes = (axis,) if x.ndim else ()
    return x - promote.keep(promote.stop(reduce.reduce_max(x, axes=axes)), x, axes, True), axes


def softmax(x: Value, *, axis: int) -> Value:
    """exp(x) / Σ exp(x)."""
    if x.ndim and not x.shape[axis]:  # no element, and so no largest one
        return pointwise.exp(x)
    away, axes = shares(x, axis)
    powers = pointwise.exp(away)
    return powers / promote.keep(reduce.reduce_sum(powers, axes=axes), x, axes, True)


def log_softmax(x: Value, *, axis: int) -> Value:
    """x − log Σ exp(x)."""
    if x.ndim and not x.shape[axis]:
        return pointwise.exp(x)
    away, axes = shares(x, axis)
    return away - pointwise.log(promote.keep(reduce.reduce_sum(pointwise.exp(away), axes=axes), x, axes, True))


SHARED = (float32, bfloat16)
"""Dtypes whose sums may overflow where their means do not: the others are computed in a wider range than they need."""
NOISE = 64
"""Units of rounding to which a difference of two sums of squares is known; what is less of it is 0."""


def shifted(x: Value, axes: tuple[int, ...]) -> tuple[Value, Value, Value]:
    """a = x − m, m, and Σ a, which is 0 but for the rounding of m. The mean m is a constant to differentiation: what
    is made of x − m − Σ a / n is the same for every m. A sum of shares does not overflow, where that is likely."""
    n = count(x, axes)
    summed = reduce.reduce_sum(x * (1 / (n or 1)), axes=axes) if x.dtype in SHARED else (
        reduce.reduce_sum(x, axes=axes) / (n * 1.0))  # fmt: skip
    mean = promote.stop(summed)
    away = x - reduce.broadcast_back(mean, x, axes)
    return away, mean, reduce.reduce_sum(away, axes=axes)


def squares(away: Value, total: Value, axes: tuple[int, ...]) -> Value:
    """Σ (x − mean)² = Σ a² − (Σ a)² / n of what ``shifted`` gives, so that x is gone over twice only; 0 where all that
    is left is rounding, with the derivatives of the formula there too.

    Source: the corrected two-pass algorithm, Chan, Golub, LeVeque, The American Statistician 37 (1983).
    """
    whole = reduce.reduce_sum(away * away, axes=axes)
    part = whole - total * (total * (1 / (count(away, axes) or 1)))
    part = pointwise.where(pointwise.equal(whole, whole.coerce(math.inf)), whole, part)
    least = promote.stop(whole) * (NOISE * finfo(away.dtype.parts).eps)
    return part + promote.stop(pointwise.where(pointwise.less(part, least), -part, part.coerce(0)))


def count(x: Value, axes: tuple[int, ...]) -> int:
    """The number of elements along axes."""
    return math.prod(x.shape[k] for k in axes)


def variance(x: Value, *, axes: tuple[int, ...], keepdims: bool, correction: float) -> Value:
    """Σ (x − mean)² / (n − correction), n the number of elements; the divisor is 0 where it would be negative."""
    if x.dtype.is_complex:
        re, im = (variance(v, axes=axes, keepdims=keepdims, correction=correction) for v in complexes.parts(x))
        return re + im
    if not x.dtype.is_floating:
        raise DTypeError(f"var of {x.dtype.name} has no dtype of its own", help="cast first: x.to(tn.float32).var(…)")
    away, _, total = shifted(x, axes)
    return promote.keep(squares(away, total, axes) / max(0.0, count(x, axes) - correction), x, axes, keepdims)


def moments(x: Value, *, axes: tuple[int, ...]) -> tuple[Value, Value, Value]:
    """x minus its mean, the mean and the variance over axes, which are kept: what normalizations are made of.

    What the mean's rounding lacks is added to it, so that the mean of equal elements is that element.
    """
    if not x.dtype.is_floating:
        raise DTypeError(f"mean of {x.dtype.name} has no dtype of its own", help="cast first: x.to(tn.float32)")
    away, mean, total = shifted(x, axes)
    share = 1 / (count(x, axes) or 1)
    mean, spread = mean + total * share, squares(away, total, axes) * share
    centred = x - reduce.broadcast_back(mean, x, axes)
    return centred, promote.keep(mean, x, axes, True), promote.keep(spread, x, axes, True)


def deviation(x: Value, *, axes: tuple[int, ...], keepdims: bool, correction: float) -> Value:
    """The square root of the variance; the gradient where all elements are equal is 0."""
    spread = variance(x, axes=axes, keepdims=keepdims, correction=correction)
    return pointwise.where(pointwise.greater(spread, spread.coerce(0)), pointwise.sqrt(spread), spread)
