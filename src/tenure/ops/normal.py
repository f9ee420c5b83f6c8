"""The normal distribution function, and the exponential that is its density."""

from __future__ import annotations

import math
from typing import Any

from tenure.ir.primitive import Primitive
from tenure.ops.declare import REALS, pointwise


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
