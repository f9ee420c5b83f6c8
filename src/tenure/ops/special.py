"""Elementary functions that lose no digits where their plain form would: erf, sigmoid, expm1, log1p."""

from __future__ import annotations

import math
from typing import Any

from tenure.ir.primitive import Primitive
from tenure.ops.declare import REALS, interval, pointwise
from tenure.ops.normal import exp_product


def _erf(np: Any, x: Any) -> Any:
    """NumPy has no erf, and the C library's is right to a unit in the last place."""
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(x), x.dtype)


def _sigmoid(np: Any, x: Any) -> Any:
    """In the next wider format, so that three roundings become one; the exponential does not overflow."""
    wide = np.asarray(x, np.float64 if x.dtype.itemsize == 4 else np.longdouble)
    small = np.exp(-np.abs(wide))
    return (np.where(wide < 0, small, 1) / (1 + small)).astype(x.dtype)


erf: Primitive = pointwise(
    "erf",
    lower=lambda e, x: e.call("erf", x),
    heavy=True,
    ref=_erf,
    partials=(lambda ans, x: exp_product(-x, x) * (2 / math.sqrt(math.pi)),),
    domain=(REALS,),
    dtypes="f",
)
"""The error function 2/√π · ∫₀ˣ exp(−t²) dt."""
sigmoid: Primitive = pointwise(
    "sigmoid",
    lower=lambda e, x: e.call("sigmoid", x),
    heavy=True,
    ref=_sigmoid,
    partials=(lambda ans, x: ans * (1 - ans),),
    domain=(REALS,),
    dtypes="f",
)
"""The logistic function 1 / (1 + e⁻ˣ)."""
expm1: Primitive = pointwise(
    "expm1",
    lower=lambda e, x: e.call("expm1", x),
    heavy=True,
    ref=lambda np, x: np.expm1(x),
    partials=(lambda ans, x: ans + 1,),
    domain=(REALS,),
    dtypes="f",
)
"""eˣ − 1."""
log1p: Primitive = pointwise(
    "log1p",
    lower=lambda e, x: e.call("log1p", x),
    heavy=True,
    ref=lambda np, x: np.log1p(x),
    partials=(lambda ans, x: 1 / (1 + x),),
    domain=(interval(-0.5, 4.0),),
    dtypes="f",
)
"""log(1 + x)."""
