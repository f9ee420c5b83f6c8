"""Logarithms of sums of exponentials of complex numbers: the largest real part, a constant, is taken out first."""

from __future__ import annotations

from tenure.ir.program import Value
from tenure.ops import pointwise, reduce, scan, special
from tenure.ops.complexes import complex_, imag, real
from tenure.ops.promote import keep, stop

Axes = tuple[int, ...]


def _below(z: Value, top: Value) -> Value:
    """e to the power of z less a real number, which has its shape."""
    return pointwise.exp(complex_(special.distance(real(z), top), imag(z)))


def _above(total: Value, top: Value) -> Value:
    ans = pointwise.log(total)
    return complex_(real(ans) + top, imag(ans))


def logsumexp(z: Value, *, axes: Axes, keepdims: bool) -> Value:
    """log Σ exp(z)."""
    if any(z.shape[k] == 0 for k in axes):
        return keep(pointwise.log(reduce.reduce_sum(z, axes=axes)), z, axes, keepdims)
    top = stop(reduce.reduce_max(real(z), axes=axes))
    total = reduce.reduce_sum(_below(z, reduce.broadcast_back(top, z, axes)), axes=axes)
    return keep(_above(total, top), z, axes, keepdims)


def logcumsumexp(z: Value, *, axis: int) -> Value:
    """log Σ exp(z) of all beginnings of an axis: the parts are two recurrences with the same factors."""
    top = stop(scan.cummax(real(z), axis=axis, reverse=False))
    falls = pointwise.exp(special.distance(top, scan.shifted(top, axis, back=True)))
    falls, terms = scan.shifted(falls, axis, back=False), _below(z, top)
    parts = [scan.recurrence(falls, part, axis=axis, reverse=False) for part in (real(terms), imag(terms))]
    return _above(complex_(*parts), top)


def logaddexp(x: Value, y: Value) -> Value:
    """log(exp(x) + exp(y)): the operand of the larger real part, whose imaginary part is not turned, and log1p."""
    first = pointwise.greater_equal(real(x), real(y))
    large, small = pointwise.where(first, x, y), pointwise.where(first, y, x)
    away = complex_(special.distance(real(small), real(large)), imag(small) - imag(large))
    return large + special.log1p(pointwise.exp(away))


FUNCTIONS = {"logaddexp": logaddexp}
"""Of a primitive's name: the primitive on complex operands."""
