"""Matrix products over the last two axes, batched over the others.

In products of cotangents an operand may have elements that are not selected, −0.0 (``ops.selection``): ``selects`` has
bit 0 for x and bit 1 for y. Their terms are left out, whatever the other factor. With ``marks`` a row or column of the
result without terms is −0.0 again; else 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import PARTIAL, UNSIGNED, Primitive
from tenure.ir.program import Value
from tenure.ops.batching import in_front
from tenure.ops.declare import REALS, broadcast_shapes, claim, primitive, unbroadcast
from tenure.ops.lowering import Product
from tenure.ops.move import permute, reshape
from tenure.ops.pointwise import NUMBERS, multiply
from tenure.ops.reduce import reduce_sum
from tenure.ops.selection import NONE, zeros_of


def _aval(x: Aval, y: Aval, *, selects: int = 0, marks: bool = False) -> Aval:
    if x.dtype is not y.dtype:
        raise DTypeError(f"matmul: dtypes {x.dtype.name} and {y.dtype.name} need a cast")
    claim("matmul", x.dtype, NUMBERS)
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


def _of(x: Value, y: Value, left: bool, right: bool) -> Value:
    """A product in which the left or right operand may have elements that are not selected."""
    return matmul(x, y, selects=left + 2 * right, marks=True) if left or right else matmul(x, y)


def _vjp(g: Value, ans: Value, x: Value, y: Value, *, selects: int = 0, marks: bool = False) -> list[Value | None]:
    """One matrix for all rows has one product as its gradient, not a sum of those of the batch."""
    tracked, partial, left, right = x.builder.tracked, zeros_of(g) == PARTIAL, bool(selects & 1), bool(selects & 2)
    dx = unbroadcast(_of(g, transposed(y), partial, right), x) if tracked[x.id] else None
    if not tracked[y.id]:
        return [dx, None]
    if y.ndim == 2:
        return [dx, _of(transposed(rows_of(x)), rows_of(g), left, partial)]
    return [dx, unbroadcast(_of(transposed(x), g, left, partial), y)]


def _jvp(
    dxs: Sequence[Value | None], ans: Value, x: Value, y: Value, *, selects: int = 0, marks: bool = False
) -> Value | None:
    dx, dy = dxs
    by_x = None if dx is None else _of(dx, y, zeros_of(dx) == PARTIAL, bool(selects & 2))
    by_y = None if dy is None else _of(x, dy, bool(selects & 1), zeros_of(dy) == PARTIAL)
    return by_x if by_y is None else by_y if by_x is None else by_x + by_y


def _batch(
    of: Primitive, batched: Sequence[bool], x: Value, y: Value, *, selects: int = 0, marks: bool = False
) -> Value:
    """Examples of rows, or of columns, by one matrix are one product; else their axis is one more to go over."""

    def product(x: Value, y: Value) -> Value:
        return matmul(x, y, selects=selects, marks=marks) if selects else thin(x, y)

    if not batched[1] and y.ndim == 2:
        return reshape(product(rows_of(x), y), shape=(*x.shape[:-1], y.shape[-1]))
    if not batched[0] and x.ndim == 2:
        turned: dict[str, Any] = {"selects": swapped(selects), "marks": marks} if selects else {}
        return transposed(_batch(of, (True, False), transposed(y), transposed(x), **turned))
    ndim = max(x.ndim - batched[0], y.ndim - batched[1])
    return product(*[in_front(v, ndim) if has else v for v, has in zip((x, y), batched, strict=True)])


def swapped(selects: int) -> int:
    """``selects`` for the operands in the other order."""
    return (0, 2, 1, 3)[selects]


def _settled(x: Value, y: Value, *, selects: int, marks: bool) -> Value:
    return matmul(x, y, selects=selects)


def _matmul(np: Any, x: Any, y: Any, *, selects: int = 0, marks: bool = False) -> Any:
    """The sum of the terms of which no factor is an element that is not selected."""
    if not selects:
        return np.matmul(x, y)
    left, right = (_chosen(np, v, selects & bit) for v, bit in ((x, 1), (y, 2)))
    with np.errstate(all="ignore"):
        terms = np.where(left[..., :, :, None] & right[..., None, :, :], x[..., :, :, None] * y[..., None, :, :], 0)
    ans = np.matmul(x, y)
    ans = np.where(np.isfinite(ans), ans, np.sum(terms, axis=-2, dtype=x.dtype))
    if not marks or not x.shape[-1]:
        return ans
    none = (~left.any(-1, keepdims=True)) | (~right.any(-2, keepdims=True))
    return np.where(none, np.asarray(NONE, x.dtype), ans)


def _chosen(np: Any, x: Any, partial: int) -> Any:
    return ~((x == 0) & np.signbit(x)) if partial else np.ones(x.shape, bool)


def _samples(rng: Any, dtype: DType) -> Any:
    for x, y in (
        ((2, 3), (3, 4)),
        ((1, 1), (1, 1)),
        ((5, 2, 3), (3, 2)),
        ((2, 1, 2, 3), (4, 3, 1)),
        ((2, 0), (0, 3)),
    ):
        yield (REALS(rng, x, dtype), REALS(rng, y, dtype)), {}
    if dtype.kind == "f":
        x, y = (REALS(rng, shape, dtype) for shape in ((5, 3), (3, 4)))
        x[2], y[:, 1] = NONE, NONE
        for selects, marks in ((1, True), (2, True), (3, True), (1, False)):
            yield (x, y), {"selects": selects, "marks": marks}


matmul: Primitive = primitive(
    "matmul",
    batch=_batch,
    lower=Product(),
    aval=_aval,
    ref=_matmul,
    vjp=_vjp,
    jvp=_jvp,
    argnums=(0, 1),
    zeros=((), lambda found, *, selects=0, marks=False: PARTIAL if marks else UNSIGNED),
    settled=_settled,
    dtypes=NUMBERS,
    samples=_samples,
)


def _turned_aval(x: Aval, y: Aval) -> Aval:
    return _aval(x, y.with_shape((*y.shape[:-2], *y.shape[:-3:-1])))


def _turned_vjp(g: Value, ans: Value, x: Value, y: Value) -> list[Value | None]:
    tracked, partial = x.builder.tracked, zeros_of(g) == PARTIAL
    dx = unbroadcast(_of(g, y, partial, False), x) if tracked[x.id] else None
    if not tracked[y.id]:
        return [dx, None]
    if y.ndim == 2:
        return [dx, _of(transposed(rows_of(g)), rows_of(x), partial, False)]
    return [dx, unbroadcast(_of(transposed(g), x, partial, False), y)]


def _turned_jvp(dxs: Sequence[Value | None], ans: Value, x: Value, y: Value) -> Value | None:
    dx, dy = dxs
    by_x = None if dx is None else _turned_of(dx, y, zeros_of(dx) == PARTIAL, False)
    by_y = None if dy is None else _turned_of(x, dy, False, zeros_of(dy) == PARTIAL)
    return by_x if by_y is None else by_y if by_x is None else by_x + by_y


def _turned_of(x: Value, y: Value, left: bool, right: bool) -> Value:
    return _of(x, transposed(y), left, right) if left or right else matmul_transposed(x, y)


def _turned_batch(of: Primitive, batched: Sequence[bool], x: Value, y: Value) -> Value:
    """Examples of rows by one matrix are one product."""
    if batched[1] or y.ndim != 2:
        return _batch(matmul, batched, x, transposed(y))
    rows = rows_of(x)
    found = thin(rows, transposed(y)) if 1 in (*rows.shape, *y.shape) else of(rows, y)
    return reshape(found, shape=(*x.shape[:-1], y.shape[0]))


def _turned_samples(rng: Any, dtype: DType) -> Any:
    for (x, y), params in _samples(rng, dtype):
        if not params:
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
    zeros=((), lambda found: UNSIGNED),
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
