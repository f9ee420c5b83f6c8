"""Elementwise quotients rounded down, and remainders: of floats, and of whole numbers, which 0 does not divide."""

from __future__ import annotations

from typing import Any

from tenure.errors import DivisionByZero
from tenure.ir.primitive import NOT_DIFFERENTIABLE
from tenure.ir.traits import Limit, Traits
from tenure.ops.declare import NONZERO, REALS, interval, pointwise
from tenure.ops.pointwise import NUMBERS


def _no_quotient(y: int) -> DivisionByZero:
    return DivisionByZero(
        "a whole number is divided by 0",
        help="leave zeros out, as in x // tn.where(y == 0, 1, y); or cast to a float first, whose quotient is infinite",
    )


DIVISOR = Limit(1, zero=False, error=_no_quotient)


def _quotient_down(np: Any, x: Any, y: Any) -> Any:
    """NumPy's; of infinite numbers the quotient itself."""
    ans = np.floor_divide(x, y)
    return np.where(np.isinf(x) | np.isinf(y), np.divide(x, y), ans) if x.dtype.kind == "f" else ans


floor_divide = pointwise(
    "floor_divide",
    lower=lambda e, x, y: e.call("floor_divide", x, y),
    heavy=True,
    ref=_quotient_down,
    partials=NOT_DIFFERENTIABLE,
    domain=(REALS, NONZERO),
    dtypes=NUMBERS,
    traits=Traits(DIVISOR),
)
"""⌊x / y⌋; beside an infinite number x / y itself, as the array API has it."""
quotient = pointwise(
    "quotient",
    lower=lambda e, x, y: e.call("quotient", x, y),
    heavy=True,
    ref=lambda np, x, y: np.floor_divide(x, y),
    partials=NOT_DIFFERENTIABLE,
    domain=(REALS, NONZERO),
    dtypes=NUMBERS,
    traits=Traits(DIVISOR),
)
"""The whole quotient that leaves x % y, as Python's //: −1 of a finite x < 0 and y = ∞, NaN of an infinite x."""
remainder = pointwise(
    "remainder",
    lower=lambda e, x, y: e.call("remainder", x, y),
    heavy=True,
    ref=lambda np, x, y: np.remainder(x, y),
    partials=(1.0, lambda ans, x, y: -quotient(x, y)),
    domain=(interval(-9.0, 9.0), NONZERO),
    dtypes=NUMBERS,
    traits=Traits(DIVISOR),
)
