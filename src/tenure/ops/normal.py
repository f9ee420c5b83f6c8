"""The normal distribution function, and the exponential that is its density."""

from __future__ import annotations

import math
from typing import Any

from tenure.ir.primitive import Primitive
from tenure.ops.declare import REALS, interval, pointwise


def wide(np: Any, x: Any) -> Any:
    """x in the next wider format."""
    return np.asarray(x, np.float64 if x.dtype.itemsize == 4 else np.longdouble)


def _ndtr(np: Any, x: Any) -> Any:
    """In the next wider format: ½ less a series of terms of one sign; on the left the continued fraction of Laplace."""
    a = np.minimum(np.abs(wide(np, x)), 40)
    near, far = np.minimum(a, 2), np.maximum(a, 2)
    term = total = near
    for k in range(3, 100, 2):
        term = term * near * near / k
        total = total + term
    fraction = far
    for k in range(200, 0, -1):
        fraction = far + k / fraction
    root = np.sqrt(8 * np.arctan(a.dtype.type(1)))
    middle = 0.5 - total * np.exp(-(near * near) / 2) / root
    left = np.where(a > 2, np.exp(-(far * far) / 2) / (root * fraction), middle)
    return np.asarray(np.where(x < 0, left, 1 - left), x.dtype)


def _erfcx(np: Any, x: Any) -> Any:
    """In the next wider format, by the same series and fraction."""
    a = np.minimum(np.sqrt(wide(np, x).dtype.type(2)) * np.abs(wide(np, x)), 1e150)
    near, far = np.minimum(a, 2), np.maximum(a, 2)
    term = total = near
    for k in range(3, 100, 2):
        term = term * near * near / k
        total = total + term
    fraction = far
    for k in range(200, 0, -1):
        fraction = far + k / fraction
    root = np.sqrt(8 * np.arctan(a.dtype.type(1)))
    right = np.where(a > 2, 2 / (root * fraction), np.exp(near * near / 2) - 2 * total / root)
    right = np.where(np.isinf(x), 0, right)
    square = np.minimum(wide(np, x) * wide(np, x), 1e4)
    return np.asarray(np.where(x < 0, 2 * np.exp(square) - right, right), x.dtype)


def _ndtri(np: Any, x: Any) -> Any:
    """By bisection between ±40 of the distribution function, on the side where it is small."""
    p = x.astype(np.float64)
    tail = np.where(p > 0.5, 1 - p, p)
    low, high = np.full(p.shape, -40.0), np.zeros(p.shape)
    for _ in range(70):
        middle = (low + high) / 2
        below = _left(np, middle) < tail
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    z = np.where(tail == 0.5, 0.0, (low + high) / 2)
    z = np.where(tail == 0, -np.inf, np.where((p < 0) | (p > 1) | (p != p), np.nan, z))
    return np.asarray(np.where(p > 0.5, -z, z), x.dtype)


def _left(np: Any, z: Any) -> Any:
    return np.asarray(np.frompyfunc(lambda v: math.erfc(-v / math.sqrt(2)) / 2, 1, 1)(z), np.float64)


exp_product: Primitive = pointwise(
    "exp_product",
    lower=lambda e, x, y: e.call("exp_product", x, y),
    heavy=True,
    ref=lambda np, x, y: np.asarray(np.exp(wide(np, x) * wide(np, y)), x.dtype),
    partials=(lambda ans, x, y: y * ans, lambda ans, x, y: x * ans),
    domain=(REALS, REALS),
    dtypes="f",
)
"""exp(x · y), the product not rounded: with y = −x, what rounding x² loses would be |x|² units in the last place."""
ndtr: Primitive = pointwise(
    "ndtr",
    lower=lambda e, x: e.call("ndtr", x),
    heavy=True,
    ref=_ndtr,
    partials=(lambda ans, x: exp_product(-0.5 * x, x) * (1 / math.sqrt(2 * math.pi)),),
    domain=(REALS,),
    dtypes="f",
)
"""The standard normal distribution function erfc(−x/√2) / 2."""
ndtri: Primitive = pointwise(
    "ndtri",
    lower=lambda e, x: e.call("ndtri", x),
    heavy=True,
    ref=_ndtri,
    partials=(lambda ans, x: exp_product(0.5 * ans, ans) * math.sqrt(2 * math.pi),),
    domain=(interval(0.05, 0.95),),
    dtypes="f",
)
"""The quantile of the standard normal distribution, the inverse of ``ndtr``."""
erfcx: Primitive = pointwise(
    "erfcx",
    lower=lambda e, x: e.call("erfcx", x),
    heavy=True,
    ref=_erfcx,
    partials=(lambda ans, x: 2 * x * ans - 2 / math.sqrt(math.pi),),
    domain=(REALS,),
    dtypes="f",
)
"""exp(x²)·erfc(x), which does not underflow on the right."""
