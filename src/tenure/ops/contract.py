"""Matrix products over the last two axes, batched over the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.program import Value
from tenure.ops.declare import REALS, broadcast_shapes, primitive, unbroadcast
from tenure.ops.lowering import Product
from tenure.ops.move import permute
from tenure.ops.pointwise import NUMBERS


def _aval(x: Aval, y: Aval) -> Aval:
    if x.dtype is not y.dtype:
        raise DTypeError(f"matmul: dtypes {x.dtype.name} and {y.dtype.name} need a cast")
    if x.dtype.kind == "b":
        raise DTypeError("matmul is not defined for bool")
    if x.ndim < 2 or y.ndim < 2:
        raise ShapeError(f"matmul: shapes {list(x.shape)} and {list(y.shape)}: both need two axes or more")
    if x.shape[-1] != y.shape[-2]:
        raise ShapeError(
            f"matmul: {list(x.shape)} @ {list(y.shape)}: the last axis of the left ({x.shape[-1]}) "
            f"must equal the last but one of the right ({y.shape[-2]})"
        )
    batch = broadcast_shapes([x.shape[:-2], y.shape[:-2]], "matmul (batch axes)")
    return Aval((*batch, x.shape[-2], y.shape[-1]), x.dtype)


def transposed(x: Value) -> Value:
    """The last two axes exchanged."""
    order = tuple(range(x.ndim - 2))
    return permute(x, order=(*order, x.ndim - 1, x.ndim - 2))


def _vjp(g: Value, ans: Value, x: Value, y: Value) -> list[Value | None]:
    tracked = x.builder.tracked
    return [
        unbroadcast(matmul(g, transposed(y)), x) if tracked[x.id] else None,
        unbroadcast(matmul(transposed(x), g), y) if tracked[y.id] else None,
    ]


def _jvp(dxs: Sequence[Value | None], ans: Value, x: Value, y: Value) -> Value | None:
    dx, dy = dxs
    left = None if dx is None else matmul(dx, y)
    right = None if dy is None else matmul(x, dy)
    return left if right is None else right if left is None else left + right


def _samples(rng: Any, dtype: DType) -> Any:
    for x, y in (
        ((2, 3), (3, 4)),
        ((1, 1), (1, 1)),
        ((5, 2, 3), (3, 2)),
        ((2, 1, 2, 3), (4, 3, 1)),
        ((2, 0), (0, 3)),
    ):
        yield (REALS(rng, x, dtype), REALS(rng, y, dtype)), {}


matmul = primitive(
    "matmul",
    lower=Product(),
    aval=_aval,
    ref=lambda np, x, y: np.matmul(x, y),
    vjp=_vjp,
    jvp=_jvp,
    argnums=(0, 1),
    dtypes=NUMBERS,
    samples=_samples,
)
