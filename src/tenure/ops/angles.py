"""Elementwise primitives: trigonometric and hyperbolic functions and their inverses, exponentials and logarithms to
other bases, and the length of a vector."""

from __future__ import annotations

import math
from typing import Any

from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops.declare import POSITIVE, REALS, Domain, Partial, interval, pointwise
from tenure.ops.normal import wide
from tenure.ops.pointwise import absolute, cos, less, where
from tenure.ops.special import distance, sigmoid

INSIDE = interval(-0.9, 0.9)


def _function(name: str, *partials: Partial, domain: Domain = REALS, meaning: str | None = None) -> Primitive:
    """A function that NumPy knows, computed in the next wider format."""
    return pointwise(
        name,
        lower=lambda e, *xs: e.call(name, *xs),
        heavy=True,
        ref=lambda np, *xs: np.asarray(getattr(np, meaning or name)(*[wide(np, x) for x in xs]), xs[0].dtype),
        partials=partials,
        domain=(domain,) * len(partials),
        dtypes="f",
    )


leg: Primitive = pointwise(
    "leg",
    lower=lambda e, x: e.call("sqrt", e.multiply(e.subtract(e.number(1, x), x), e.add(e.number(1, x), x))),
    heavy=True,
    ref=lambda np, x: np.asarray(np.sqrt((1 - wide(np, x)) * (1 + wide(np, x))), x.dtype),
    partials=(lambda ans, x: -x / ans,),
    domain=(INSIDE,),
    dtypes="f",
)
"""√(1 − x²), which loses no digits near 1."""
tan = _function("tan", lambda ans, x: 1 + ans * ans, domain=INSIDE)
asin = _function("asin", lambda ans, x: 1 / leg(x), domain=INSIDE, meaning="arcsin")
acos = _function("acos", lambda ans, x: -1 / leg(x), domain=INSIDE, meaning="arccos")
atan = _function("atan", lambda ans, x: 1 / (1 + x * x), meaning="arctan")
hypot: Primitive = _function("hypot", lambda ans, x, y: x / ans, lambda ans, x, y: y / ans, domain=POSITIVE)
atan2 = _function(
    "atan2",
    lambda ans, y, x: inversion(x, y),
    lambda ans, y, x: -inversion(y, x),
    domain=POSITIVE,
    meaning="arctan2",
)
"""The angle of the point (x, y), whose first operand is y."""


def _inverted(e: Any, x: Any, y: Any) -> Any:
    length = e.call("hypot", x, y)
    return e.select(e.compare("==", length, e.number(0, x)), x, e.divide(e.divide(x, length), length))


def _inversion(np: Any, x: Any, y: Any) -> Any:
    length = np.hypot(wide(np, x), wide(np, y))
    return np.asarray(np.where(length == 0, x, wide(np, x) / length**2), x.dtype)


inversion: Primitive = pointwise(
    "inversion",
    lower=_inverted,
    heavy=True,
    ref=_inversion,
    partials=(
        lambda ans, x, y: inversion(y, x) * inversion(y, x) - ans * ans,
        lambda ans, x, y: -2 * ans * inversion(y, x),
    ),
    domain=(POSITIVE, POSITIVE),
    dtypes="f",
)
"""x / (x² + y²), which overflows no sooner than its value: a coordinate of a point inverted in the unit circle; 0 at
the origin, so that atan2 has no slope there, as in PyTorch."""
sinh: Primitive = _function("sinh", lambda ans, x: cosh(x))
cosh: Primitive = _function("cosh", lambda ans, x: sinh(x))
asinh = _function("asinh", lambda ans, x: 1 / hypot(x, x.coerce(1)), meaning="arcsinh")
acosh = _function("acosh", lambda ans, x: 1 / sinh(ans), domain=interval(1.5, 4.0), meaning="arccosh")
atanh = _function("atanh", lambda ans, x: 1 / (1 - x * x), domain=INSIDE, meaning="arctanh")
exp2 = _function("exp2", lambda ans, x: ans * math.log(2))
log2 = _function("log2", lambda ans, x: 1 / (x * math.log(2)), domain=POSITIVE)
log10 = _function("log10", lambda ans, x: 1 / (x * math.log(10)), domain=POSITIVE)


SLOPE_OF_SINC = [(-1) ** k * 2 * k * math.pi ** (2 * k) / math.factorial(2 * k + 1) for k in range(1, 12)]


def _sinc_by_number(ans: Value, x: Value) -> Value:
    """(cos πx − sinc x) / x; its power series where these cancel."""
    near = less(absolute(x), x.coerce(0.4))
    square = x * x
    series = x.coerce(SLOPE_OF_SINC[-1])
    for coefficient in SLOPE_OF_SINC[-2::-1]:
        series = series * square + coefficient
    return where(near, x * series, (cos(x * math.pi) - ans) / x)


sinc = pointwise(
    "sinc",
    lower=lambda e, x: e.call("sinc", x),
    heavy=True,
    ref=lambda np, x: np.asarray(np.sinc(wide(np, x)), x.dtype),
    partials=(_sinc_by_number,),
    domain=(REALS,),
    dtypes="f",
)
"""sin(πx) / (πx), and 1 at 0."""


def _log_of_sum(e: Any, x: Any, y: Any) -> Any:
    """The larger one, and log1p of e to the power of minus the distance, which is 0 between equal infinities."""
    apart = e.select(e.compare("==", x, y), e.number(0, x), e.subtract(x, y))
    small = e.call("exp", e.negative(e.call("absolute", apart)))
    return e.add(e.call("maximum", x, y), e.call("log1p", small))


logaddexp = pointwise(
    "logaddexp",
    lower=_log_of_sum,
    heavy=True,
    ref=lambda np, x, y: np.asarray(np.logaddexp(wide(np, x), wide(np, y)), x.dtype),
    partials=(lambda ans, x, y: sigmoid(distance(x, y)), lambda ans, x, y: sigmoid(distance(y, x))),
    domain=(REALS, REALS),
    dtypes="f",
)
"""log(eˣ + eʸ)."""
