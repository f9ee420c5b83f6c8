"""Elementwise primitives of whole numbers: their bits, and common divisors; and the bits of any number as another's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError
from tenure.ir.aval import Aval
from tenure.ir.kind import Cost
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ops.batching import aligned
from tenure.ops.declare import REALS, claim, interval, pointwise
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


def _bitcast_aval(x: Aval, *, dtype: DType) -> Aval:
    claim("bitcast", x.dtype, "iufh")
    claim("bitcast", dtype, "iufh")
    if dtype.itemsize != x.dtype.itemsize:
        raise DTypeError(f"bitcast: elements of {x.dtype.name} are not as large as those of {dtype.name}")
    return Aval(x.shape, dtype)


def _same_size(rng: Any, dtype: DType) -> Iterable[tuple[tuple[Any, ...], dict[str, Any]]]:
    every = (dtypes.int8, dtypes.uint8, dtypes.uint16, dtypes.bfloat16, dtypes.int32, dtypes.float32, dtypes.uint64)
    for target in (dtype, *every, dtypes.float16, dtypes.int64, dtypes.float64):
        if target.itemsize == dtype.itemsize:
            yield (REALS(rng, (2, 3), dtype),), {"dtype": target}


bitcast = Primitive(
    "bitcast",
    aval=_bitcast_aval,
    ref=lambda np, x, *, dtype: np.array(x, order="C").view(dtype.numpy),
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    dtypes="iufh",
    samples=_same_size,
    lower=elementwise(lambda e, x, *, dtype: e.call("bitcast", x, dtype=dtype), Cost.FREE, exact=False),
    batch=aligned,
)
"""The numbers of a dtype of the same size that have the bits of x."""
