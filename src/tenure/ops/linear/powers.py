"""Powers and exponentials of matrices, in products."""

from __future__ import annotations

from math import log

from tenure import dtypes
from tenure.ir.program import Value
from tenure.ops import move, pointwise, reduce, rounding
from tenure.ops.linear.parts import in_kind, mm, square
from tenure.ops.linear.systems import inverse, solve, units
from tenure.ops.promote import stop
from tenure.ops.rearrange import shaped

PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
RADIUS = {dtypes.float32: 3.925724783138660, dtypes.float64: 5.371920351148152}
SQUARINGS = 24
"""Squarings of an exponential at most: of matrices of a norm up to 10⁷."""


def matrix_power(a: Value, *, n: int) -> Value:
    """A power by squaring; of a negative exponent that of the inverse."""
    size = square("matrix_power", a.aval)
    if n < 0:
        a, n = inverse(a, name="matrix_power")[0], -n
    found: Value | None = None
    while n:
        if n & 1:
            found = a if found is None else mm(found, a)
        n >>= 1
        a = mm(a, a) if n else a
    return units(a, size) if found is None else found


def matrix_exp(a: Value) -> Value:
    """The exponential: a Padé approximant of order 13 of a / 2ˢ, squared s times (Higham 2005), s by each matrix."""
    n = square("matrix_exp", a.aval)
    if not n or not a.aval.size:
        return a
    sums = reduce.reduce_sum(pointwise.absolute(a), axes=(a.ndim - 2,))
    norm = stop(reduce.reduce_max(sums, axes=(sums.ndim - 1,)))
    real = norm.dtype
    ratio = pointwise.maximum(norm * (1 / RADIUS[real]), norm.coerce(1.0))
    count = rounding.ceil(pointwise.log(ratio) * (1 / log(2)))
    count = pointwise.minimum(count, count.coerce(float(SQUARINGS)))
    scale = pointwise.power(count.coerce(0.5), count)
    x = a * in_kind(shaped(scale, (*scale.shape, 1, 1)), a)
    found = approximant(x, n)
    for k in range(SQUARINGS):
        more = pointwise.greater(count, count.coerce(float(k)))
        more = move.broadcast_to(shaped(more, (*more.shape, 1, 1)), shape=found.shape)
        found = pointwise.where(more, mm(found, found), found)
    return found


def approximant(a: Value, n: int) -> Value:
    """The Padé approximant of order 13."""
    b, one = PADE, units(a, n)
    a2 = mm(a, a)
    a4 = mm(a2, a2)
    a6 = mm(a2, a4)
    odd = mm(a6, a6 * b[13] + a4 * b[11] + a2 * b[9]) + a6 * b[7] + a4 * b[5] + a2 * b[3] + one * b[1]
    even = mm(a6, a6 * b[12] + a4 * b[10] + a2 * b[8]) + a6 * b[6] + a4 * b[4] + a2 * b[2] + one * b[0]
    u = mm(a, odd)
    return solve(even - u, even + u, left=True, vector=False)[0]
