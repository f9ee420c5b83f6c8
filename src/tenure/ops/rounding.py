"""Elementwise primitives that are exact: roundings, remainders, signs, neighbours and scales of floats."""

from __future__ import annotations

from typing import Any

from tenure import dtypes
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ir.program import Value
from tenure.ir.traits import Traits
from tenure.ops.declare import NONZERO, REALS, interval, pointwise
from tenure.ops.division import DIVISOR
from tenure.ops.lowering import elementwise
from tenure.ops.pointwise import divide, equal, multiply, sign, where
from tenure.ops.selection import Selection


def _whole(name: str, meaning: str) -> Primitive:
    """A rounding to whole numbers, which is constant between jumps."""
    return pointwise(
        name,
        lower=elementwise(lambda e, x: e.call(name, x), exact=False),
        ref=lambda np, x: getattr(np, meaning)(x),
        partials=NOT_DIFFERENTIABLE,
        domain=(REALS,),
        dtypes="f",
    )


ceil = _whole("ceil", "ceil")
trunc = _whole("trunc", "trunc")
round = _whole("round", "rint")
"""The nearest whole number, of two the even one."""
fmod = pointwise(
    "fmod",
    lower=lambda e, x, y: e.call("fmod", x, y),
    heavy=True,
    ref=lambda np, x, y: np.fmod(x, y),
    partials=(1.0, lambda ans, x, y: -trunc(divide(x, y))),
    domain=(interval(-9.0, 9.0), NONZERO),
    dtypes="iuf",
    traits=Traits(DIVISOR),
)
"""The remainder with the sign of x, as C's."""


def _sign_ratio(ans: Value, x: Value, y: Value) -> Value:
    """Whether the sign changes, −1 or 1; 0 for x = 0, as in PyTorch."""
    return multiply(sign(ans), sign(x))


copysign: Primitive = pointwise(
    "copysign",
    lower=elementwise(lambda e, x, y: e.call("copysign", x, y), exact=False),
    ref=lambda np, x, y: np.copysign(x, y),
    partials=(_sign_ratio, lambda ans, x, y: Selection(equal(x, x + 1), 0.0)),
    domain=(REALS, REALS),
    dtypes="f",
)
"""|x| with the sign of y."""
signbit = pointwise(
    "signbit",
    lower=elementwise(lambda e, x: e.call("signbit", x), exact=False),
    ref=lambda np, x: np.signbit(x),
    partials=NOT_DIFFERENTIABLE,
    domain=(REALS,),
    dtypes="f",
    result=dtypes.bool_,
)
"""Whether the sign is negative, of a zero and NaN too."""
nextafter = pointwise(
    "nextafter",
    lower=elementwise(lambda e, x, y: e.call("nextafter", x, y), exact=False),
    ref=lambda np, x, y: np.nextafter(x, y),
    partials=NOT_DIFFERENTIABLE,
    domain=(REALS, REALS),
    dtypes="f",
)
"""The float next to x in the direction of y."""


def _mantissa_by_number(ans: Value, x: Value) -> Value:
    """The power of two that was divided by."""
    return where(equal(x, x.coerce(0)), x.coerce(1), divide(ans, x))


def _exponents(np: Any, x: Any) -> Any:
    """Of infinities and NaN it is 0."""
    return np.where(np.isfinite(x), np.frexp(x)[1], 0).astype(x.dtype)


mantissa = pointwise(
    "mantissa",
    lower=elementwise(lambda e, x: e.call("mantissa", x), exact=False),
    ref=lambda np, x: np.asarray(np.frexp(x)[0]),
    partials=(_mantissa_by_number,),
    domain=(interval(1.1, 1.9),),
    dtypes="f",
)
"""m of x = m·2ᵉ with ½ ≤ |m| < 1."""
exponent = pointwise(
    "exponent",
    lower=elementwise(lambda e, x: e.call("exponent", x), exact=False),
    ref=_exponents,
    partials=NOT_DIFFERENTIABLE,
    domain=(REALS,),
    dtypes="f",
)
"""e of x = m·2ᵉ with ½ ≤ |m| < 1, as a float; 0 for 0, ±∞ and NaN."""
