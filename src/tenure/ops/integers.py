"""Elementwise primitives of whole numbers: their bits, and common divisors."""

from __future__ import annotations

from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ops.declare import interval, pointwise
from tenure.ops.lowering import Rule, elementwise

SMALL = interval(-9.0, 9.0)


def _bits(name: str, lower: Rule, arity: int = 2, meaning: str = "") -> Primitive:
    return pointwise(
        name,
        lower=elementwise(lower, exact=False),
        ref=lambda np, *xs: getattr(np, meaning or name)(*xs),
        partials=NOT_DIFFERENTIABLE,
        domain=(SMALL,) * arity,
        dtypes="iu",
    )


bitwise_and = _bits("bitwise_and", lambda e, x, y: e.conjunction(x, y))
bitwise_or = _bits("bitwise_or", lambda e, x, y: e.disjunction(x, y))
bitwise_xor = _bits("bitwise_xor", lambda e, x, y: e.exclusive(x, y))
bitwise_not = _bits("bitwise_not", lambda e, x: e.call("bitwise_not", x), 1)
left_shift = _bits("left_shift", lambda e, x, y: e.call("left_shift", x, y))
right_shift = _bits("right_shift", lambda e, x, y: e.call("right_shift", x, y))
gcd = pointwise(
    "gcd",
    lower=lambda e, x, y: e.call("gcd", x, y),
    heavy=True,
    ref=lambda np, x, y: np.gcd(x, y),
    partials=NOT_DIFFERENTIABLE,
    domain=(SMALL, SMALL),
    dtypes="iu",
)
"""The greatest common divisor, not negative; of 0 and 0 it is 0."""
