"""Elementary functions that lose no digits where their plain form would: erf, sigmoid, softplus, expm1, log1p, and a
difference that infinities may have."""

from __future__ import annotations

import math
from typing import Any

from tenure.ir.primitive import Primitive
from tenure.ops.declare import REALS, interval, pointwise
from tenure.ops.normal import exp_product, wide
from tenure.ops.pointwise import exp, tanh


def _erf(np: Any, x: Any) -> Any:
    """NumPy has no erf, and the C library's is right to a unit in the last place."""
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(x), x.dtype)


def _sigmoid(np: Any, x: Any) -> Any:
    """In the next wider format, so that three roundings become one; the exponential does not overflow."""
    x, dtype = wide(np, x), x.dtype
    small = np.exp(-np.abs(x))
    return (np.where(x < 0, small, 1) / (1 + small)).astype(dtype)


def _sigmoid_slope(np: Any, x: Any) -> Any:
    small = np.exp(-np.abs(wide(np, x)))
    return (small / ((1 + small) * (1 + small))).astype(x.dtype)


def _softplus(np: Any, x: Any) -> Any:
    x, dtype = wide(np, x), x.dtype
    return (np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))).astype(dtype)


def _decay(e: Any, x: Any) -> Any:
    """e^−|x|."""
    return e.call("exp", e.negative(e.call("absolute", x)))


def _slope_of(e: Any, x: Any) -> Any:
    small = _decay(e, x)
    rest = e.add(small, e.number(1, small))
    return e.divide(small, e.multiply(rest, rest))


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
"""The logistic function 1 / (1 + e⁻ˣ). Its slope is that of the rounded result, as the 1 / (1 - σ) of a loss is: so
their product is right next to 1."""
softplus_slope: Primitive = pointwise(
    "softplus_slope",
    lower=lambda e, x: e.call("sigmoid", x),
    heavy=True,
    ref=_sigmoid,
    partials=(lambda ans, x: sigmoid_slope(x),),
    domain=(REALS,),
    dtypes="f",
)
"""The derivative of softplus: the logistic function, whose own derivative keeps its digits in both tails."""
sigmoid_slope: Primitive = pointwise(
    "sigmoid_slope",
    lower=_slope_of,
    heavy=True,
    ref=_sigmoid_slope,
    partials=(lambda ans, x: -(ans * tanh(x * 0.5)),),
    domain=(REALS,),
    dtypes="f",
)
"""The derivative of the logistic function, e⁻ˣ / (1 + e⁻ˣ)², whose tails σ · (1 − σ) would lose."""
softplus: Primitive = pointwise(
    "softplus",
    lower=lambda e, x: e.add(e.call("maximum", x, e.number(0, x)), e.call("log1p", _decay(e, x))),
    heavy=True,
    ref=_softplus,
    partials=(lambda ans, x: softplus_slope(x),),
    domain=(REALS,),
    dtypes="f",
)
"""log(1 + eˣ)."""
expm1: Primitive = pointwise(
    "expm1",
    lower=lambda e, x: e.call("expm1", x),
    heavy=True,
    ref=lambda np, x: np.expm1(x),
    partials=(lambda ans, x: exp(x),),
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
distance = pointwise(
    "distance",
    lower=lambda e, x, y: e.select(e.compare("==", x, y), e.number(0, x), e.subtract(x, y)),
    ref=lambda np, x, y: np.where(x == y, np.zeros((), x.dtype), np.subtract(x, y)),
    partials=(1.0, -1.0),
    domain=(REALS, REALS),
    dtypes="f",
)
"""x − y, and 0 where they are equal, infinities too."""
