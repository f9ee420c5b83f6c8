"""Powers and exponentials of matrices, in products."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops import move, pointwise, reduce, rounding
from tenure.ops.batching import spreading
from tenure.ops.convert import converted
from tenure.ops.declare import primitive
from tenure.ops.linear import parts
from tenure.ops.linear.parts import Piece, adjoint, drawn, each, in_kind, mm, sizes, square, tied
from tenure.ops.linear.systems import inverse, solve, units
from tenure.ops.promote import stop
from tenure.ops.rearrange import part, shaped
from tenure.ops.selection import settled

PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
RADIUS = {dtypes.float32: 3.925724783138660, dtypes.float64: 5.371920351148152}
MOST = {dtypes.float32: 126.0, dtypes.float64: 1022.0}
"""Squarings of an exponential at most: of finite matrices."""


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
    return tied(units(a, size), a) if found is None else found


def _aval(x: Aval, count: Aval) -> Aval:
    square("squared", x)
    if count.shape != x.shape[:-2] or count.dtype is not x.dtype:
        raise ShapeError(f"squared: counts of shape {list(count.shape)} for matrices of shape {list(x.shape)}")
    return x.with_shape(x.shape)


def _ref(np: Any, x: Any, count: Any) -> Any:
    found = x.copy()
    for a, k in zip(each(found), count.real.reshape(-1), strict=True):
        for _ in range(int(k)):
            a[...] = a @ a
    return found


def _along(x: Value, dx: Value, count: Value) -> Value:
    """The derivative of a power along a matrix: the corner of the power of [[x, dx], [0, x]] (Mathias 1996)."""
    n, last = x.shape[-1], x.ndim - 1
    above, below = move.concat(x, dx, axis=last), move.concat(x.zeros(), x, axis=last)
    found = squared(move.concat(above, below, axis=last - 1), count)
    return part(part(found, last, n, n), last - 1, 0, n)


def _vjp(g: Value, ans: Value, x: Value, count: Value) -> list[Value | None]:
    return [_along(adjoint(x), settled(g), count)]


def _jvp(dxs: Sequence[Value | None], ans: Value, x: Value, count: Value) -> Value:
    (dx,) = parts.tangents(dxs)
    assert dx is not None
    return _along(x, dx, count)


def _samples(rng: Any, dtype: DType) -> Any:
    for shape in ((3, 3), (2, 4, 4), (1, 1), (2, 1, 2, 2), (0, 0), (0, 2, 2)):
        count = converted(np, rng.integers(0, 4, shape[:-2]), dtype)
        yield (converted(np, drawn(rng, shape, dtype) * 0.25, dtype), count), {}


squared: Primitive = primitive(
    "squared",
    batch=spreading,
    lower=sizes(lambda size, xs: [xs[0].shape[-1], Piece(size * xs[0].shape[-1] ** 2)], "squared", ("gemm", "gemm")),
    aval=_aval,
    ref=_ref,
    vjp=_vjp,
    jvp=_jvp,
    argnums=(0,),
    dtypes="fc",
    samples=_samples,
)
"""Matrices that are squared so many times each: a loop whose end depends on values, so a routine."""


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
    count = pointwise.where(pointwise.less(count, count.coerce(MOST[real])), count, count.coerce(0.0))
    scale = pointwise.power(count.coerce(0.5), count)
    x = a * in_kind(shaped(scale, (*scale.shape, 1, 1)), a)
    return squared(approximant(x, n), in_kind(count, a))


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
