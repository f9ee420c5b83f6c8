"""Matrix products over the last two axes, batched over the others."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops.batching import in_front
from tenure.ops.declare import REALS, broadcast_shapes, primitive, unbroadcast
from tenure.ops.lowering import Product
from tenure.ops.move import permute, reshape
from tenure.ops.pointwise import NUMBERS, multiply
from tenure.ops.reduce import reduce_sum


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


def rows_of(x: Value) -> Value:
    """All rows of all matrices as one matrix."""
    return x if x.ndim == 2 else reshape(x, shape=(prod(x.shape[:-1]), x.shape[-1]))


def _vjp(g: Value, ans: Value, x: Value, y: Value) -> list[Value | None]:
    """One matrix for all rows has one product as its gradient, not a sum of those of the batch."""
    tracked = x.builder.tracked
    dx = unbroadcast(matmul(g, transposed(y)), x) if tracked[x.id] else None
    if not tracked[y.id]:
        return [dx, None]
    if y.ndim == 2:
        return [dx, matmul(transposed(rows_of(x)), rows_of(g))]
    return [dx, unbroadcast(matmul(transposed(x), g), y)]


def _jvp(dxs: Sequence[Value | None], ans: Value, x: Value, y: Value) -> Value | None:
    dx, dy = dxs
    left = None if dx is None else matmul(dx, y)
    right = None if dy is None else matmul(x, dy)
    return left if right is None else right if left is None else left + right


def _batch(of: Primitive, batched: Sequence[bool], x: Value, y: Value) -> Value:
    """Examples of rows, or of columns, by one matrix are one product; else their axis is one more to go over."""
    if not batched[1] and y.ndim == 2:
        return reshape(thin(rows_of(x), y), shape=(*x.shape[:-1], y.shape[-1]))
    if not batched[0] and x.ndim == 2:
        return transposed(_batch(of, (True, False), transposed(y), transposed(x)))
    ndim = max(x.ndim - batched[0], y.ndim - batched[1])
    return thin(*[in_front(v, ndim) if has else v for v, has in zip((x, y), batched, strict=True)])


def _samples(rng: Any, dtype: DType) -> Any:
    for x, y in (
        ((2, 3), (3, 4)),
        ((1, 1), (1, 1)),
        ((5, 2, 3), (3, 2)),
        ((2, 1, 2, 3), (4, 3, 1)),
        ((2, 0), (0, 3)),
    ):
        yield (REALS(rng, x, dtype), REALS(rng, y, dtype)), {}


matmul: Primitive = primitive(
    "matmul",
    batch=_batch,
    lower=Product(),
    aval=_aval,
    ref=lambda np, x, y: np.matmul(x, y),
    vjp=_vjp,
    jvp=_jvp,
    argnums=(0, 1),
    dtypes=NUMBERS,
    samples=_samples,
)


def _turned_aval(x: Aval, y: Aval) -> Aval:
    return _aval(x, y.with_shape((*y.shape[:-2], *y.shape[:-3:-1])))


def _turned_vjp(g: Value, ans: Value, x: Value, y: Value) -> list[Value | None]:
    tracked = x.builder.tracked
    dx = unbroadcast(matmul(g, y), x) if tracked[x.id] else None
    if not tracked[y.id]:
        return [dx, None]
    if y.ndim == 2:
        return [dx, matmul(transposed(rows_of(g)), rows_of(x))]
    return [dx, unbroadcast(matmul(transposed(g), x), y)]


def _turned_jvp(dxs: Sequence[Value | None], ans: Value, x: Value, y: Value) -> Value | None:
    dx, dy = dxs
    left = None if dx is None else matmul_transposed(dx, y)
    right = None if dy is None else matmul_transposed(x, dy)
    return left if right is None else right if left is None else left + right


def _turned_batch(of: Primitive, batched: Sequence[bool], x: Value, y: Value) -> Value:
    """Examples of rows by one matrix are one product."""
    if batched[1] or y.ndim != 2:
        return _batch(matmul, batched, x, transposed(y))
    rows = rows_of(x)
    found = thin(rows, transposed(y)) if 1 in (*rows.shape, *y.shape) else of(rows, y)
    return reshape(found, shape=(*x.shape[:-1], y.shape[0]))


def _turned_samples(rng: Any, dtype: DType) -> Any:
    for (x, y), params in _samples(rng, dtype):
        yield (x, y.swapaxes(-1, -2).copy()), params


matmul_transposed: Primitive = primitive(
    "matmul_transposed",
    batch=_turned_batch,
    lower=Product(transposed=True),
    aval=_turned_aval,
    ref=lambda np, x, y: np.matmul(x, np.swapaxes(y, -1, -2)),
    vjp=_turned_vjp,
    jvp=_turned_jvp,
    argnums=(0, 1),
    dtypes=NUMBERS,
    samples=_turned_samples,
)
"""x yᵀ, as an affine layer has it: the gradient of y is computed as y is stored, which is a statement about the program
as it is written, not about what happens to be read in it."""


def by_rows(x: Value, y: Value) -> Value:
    """x yᵀ of matrices or batches x and a matrix y; a thin one is written out."""
    thin_one = 1 in (*x.shape[-2:], *y.shape) and not (x.builder.depth(x.id) or x.builder.depth(y.id))
    return thin(x, transposed(y)) if thin_one else matmul_transposed(x, y)


def product(x: Value, y: Value) -> Value:
    """A matrix product; a thin one is written out, but not of examples, which are wide together."""
    return matmul(x, y) if x.builder.depth(x.id) or x.builder.depth(y.id) else thin(x, y)


def thin(x: Value, y: Value) -> Value:
    """A matrix product; as products and sums where it is a matrix by a vector or an outer product, which move more
    than they compute: those fuse with what is around them, and so do their gradients."""
    (m, k), n = x.shape[-2:], y.shape[-1]
    if x.dtype.kind == "b" or min(m, k, n) != 1:
        return matmul(x, y)
    if k == 1:
        return multiply(x, y)
    terms = multiply(x, transposed(y)) if n == 1 else multiply(transposed(x), y)
    sums = reduce_sum(terms, axes=(terms.ndim - 1 if n == 1 else terms.ndim - 2,))
    return reshape(sums, shape=(*sums.shape[:-1], m, 1) if n == 1 else (*sums.shape[:-1], 1, n))
