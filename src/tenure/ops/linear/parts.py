"""Vocabulary of decompositions: packed results, sizes for their routines, errors, algebra of matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, LinAlgError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import TABLE, Value
from tenure.ir.traits import Limit, Traits
from tenure.ops import move, pointwise, reduce
from tenure.ops.batching import spreading
from tenure.ops.complexes import complex_, conjugate, real
from tenure.ops.contract import matmul, transposed
from tenure.ops.convert import converted
from tenure.ops.declare import REALS, claim, linear
from tenure.ops.lowering import Element, Library
from tenure.ops.rearrange import on_diagonal, part, shaped, triangle
from tenure.ops.select import counting
from tenure.ops.select import diagonal as diagonal_of
from tenure.ops.selection import settled

Shape = tuple[int, ...]
BITS = 31
GROUPS, ALONE = 16, 1 << 16
"""The most groups that a batch is shared out in, and the products of a batch up to which it is not."""


class Piece(int):
    """The bytes of a part of a routine's room."""


def sizes(layout: Callable[..., Sequence[int]], name: str, calls: tuple[str, str], of: int = 0) -> Library:
    """The lowering to a routine. ``layout(itemsize, xs, **params)`` are its sizes and the pieces of its room; operand
    number ``of`` has the batch."""

    def given(xs: Sequence[Aval], params: dict[str, Any]) -> tuple[list[int], int, int]:
        numbers, top = [], 0
        for n in layout(xs[0].dtype.itemsize, xs, **params):
            numbers.append(top if isinstance(n, Piece) else int(n))
            top += -(-max(n, 1) // 64) * 64 if isinstance(n, Piece) else 0
        batch = prod(xs[of].shape[:-2])
        return numbers, max(top, 64), min(batch, GROUPS) if work(xs[of], xs[of:]) > ALONE else 1

    def numbers(ans: Aval, xs: Sequence[Aval], **params: Any) -> list[int]:
        found, size, groups = given(xs, params)
        return [prod(xs[of].shape[:-2]), groups, size, *found]

    def room(ans: Aval, xs: Sequence[Aval], **params: Any) -> int:
        _, size, groups = given(xs, params)
        return size * groups

    return Library(name, numbers, work, room, calls=calls)


def work(ans: Aval, xs: Sequence[Aval]) -> int:
    """The products that a decomposition takes, about."""
    return prod(xs[0].shape) * min(xs[0].shape[-2:])


def square(name: str, x: Aval, kinds: str = "fc") -> int:
    """The size of square matrices; TN802 for others."""
    matrices(name, x, kinds)
    if x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"{name}: matrices of shape {list(x.shape)}, where square ones are wanted")
    return x.shape[-1]


def matrices(name: str, x: Aval, kinds: str = "fc") -> tuple[int, int]:
    """The shape of matrices of floats; TN802 for what is none."""
    if x.dtype.kind not in kinds:
        raise DTypeError(f"{name} is not defined for {x.dtype.name}", help="cast first: x.to(tn.float32)")
    if x.ndim < 2:
        raise ShapeError(f"{name}: a tensor of shape {list(x.shape)}, where a matrix is wanted")
    return x.shape[-2], x.shape[-1]


def unpacked(x: Value, *shapes: Shape) -> list[Value]:
    """The parts of a packed result, each in a shape behind the axes of the batch."""
    found, start, lead = [], 0, x.shape[:-1]
    for shape in shapes:
        found.append(shaped(part(x, x.ndim - 1, start, prod(shape)), (*lead, *shape)))
        start += prod(shape)
    return found


def packed(*xs: Value, lead: int) -> Value:
    """Parts behind ``lead`` axes as one result."""
    return move.concat(*[shaped(x, (*x.shape[:lead], prod(x.shape[lead:]))) for x in xs], axis=lead)


def flat(lead: Shape, dtype: Any, *xs: Any) -> Any:
    """NumPy's parts, packed."""
    found = [np.asarray(x) for x in xs]
    return np.concatenate([x.reshape(*lead, prod(x.shape[len(lead) :])).astype(dtype) for x in found], -1)


def each(x: Any) -> Any:
    """The matrices of a batch one by one."""
    return x.reshape(prod(x.shape[:-2]), *x.shape[-2:])


# -- algebra


def adjoint(x: Value) -> Value:
    """The conjugate transpose."""
    return transposed(conjugate(x))


def mm(*xs: Value) -> Value:
    """The product of matrices, from the left."""
    ans, *rest = xs
    for x in rest:
        ans = matmul(ans, x)
    return ans


def lower(x: Value, k: int = 0) -> Value:
    """The lower triangle, up to a diagonal."""
    return triangle(x, x.builder.constant(k, dtypes.int64), upper=False)


def upper(x: Value, k: int = 0) -> Value:
    """The upper triangle, from a diagonal on."""
    return triangle(x, x.builder.constant(k, dtypes.int64), upper=True)


def diagonal(x: Value) -> Value:
    """The main diagonal."""
    return diagonal_of(x, offset=0, first=x.ndim - 2, second=x.ndim - 1)


def on_main(x: Value) -> Value:
    """Matrices that have x as their main diagonal, and zeros."""
    return on_diagonal(x, offset=0, first=x.ndim - 1, second=x.ndim)


def in_kind(x: Value, like: Value) -> Value:
    """Real numbers in the dtype of others, which may be complex."""
    return complex_(x, x.zeros()) if like.dtype.is_complex and not x.dtype.is_complex else x


def re(x: Value) -> Value:
    """The real part."""
    return real(x) if x.dtype.is_complex else x


def eye(x: Value, n: int) -> Value:
    """The unit matrix, of x's dtype."""
    one = x.builder.full((n,), 1, x.dtype)
    return on_main(one)


def tied(constant: Value, x: Value) -> Value:
    """A constant of a matrix's form, of which a gradient is 0 and not missing: the sum over no row of x is added."""
    none = reduce.reduce_sum(part(x, x.ndim - 2, 0, 0), axes=(x.ndim - 2, x.ndim - 1))
    return constant + shaped(in_kind(none, constant), (*none.shape, *[1] * (constant.ndim - none.ndim)))


def mirrored(x: Value) -> Value:
    """The Hermitian matrix of which x has the lower triangle."""
    if not x.dtype.is_complex:
        n = x.shape[-1]
        return pointwise.where(pointwise.less_equal(counting(x, n, 1, 2), counting(x, n, 0, 2)), x, transposed(x))
    below = lower(x, -1)
    return below + adjoint(below) + on_main(in_kind(re(diagonal(x)), x))


def folded(x: Value) -> Value:
    """The transpose of ``mirrored``."""
    return lower(x, -1) + lower(adjoint(x), -1) + on_main(in_kind(re(diagonal(x)), x))


def quotient(x: Value, y: Value) -> Value:
    """x / y, and 0 where both are 0: what nobody reads has no gradient, also where y is 0."""
    y = in_kind(y, x)
    y = move.broadcast_to(y, shape=x.shape) if y.shape != x.shape else y
    none = pointwise.logical_and(pointwise.equal(x, x.coerce(0.0)), pointwise.equal(y, y.coerce(0.0)))
    return x / pointwise.where(none, y.coerce(1.0), y)


def apart(x: Value) -> Value:
    """The differences x_j − x_i, 1 on the diagonal."""
    n = x.shape[-1]
    row, column = shaped(x, (*x.shape[:-1], 1, n)), shaped(x, (*x.shape[:-1], n, 1))
    return row - column + eye(x, n)


def tangents(dxs: Sequence[Value | None]) -> list[Value | None]:
    """Tangents as numbers."""
    return [None if dx is None else settled(dx) for dx in dxs]


# -- errors


def fault(what: str, help: str) -> Limit:
    """The limit that the codes of matrices keep to: none is negative."""

    def error(number: int) -> LinAlgError:
        matrix, order = divmod(-number, 1 << BITS)
        which = f"matrix {matrix - 1} of the batch" if matrix else "the matrix"
        return LinAlgError(what.format(which=which, order=order), help=help)

    return Limit(1, zero=True, error=error, computable=True)


def _checked_aval(x: Aval, code: Aval) -> Aval:
    if code.dtype is not dtypes.int64:
        raise DTypeError(f"a code of dtype {code.dtype.name}, where int64 is wanted")
    claim("a check of matrices", x.dtype, "fc")
    return x


def _checked(name: str, what: str, help: str) -> Primitive:
    """x itself, whose matrices have codes: that of one is negative if there is no result."""

    def samples(rng: Any, dtype: DType) -> Any:
        yield (REALS(rng, (2, 3, 3), dtype), rng.integers(0, 4, (2,))), {}
        yield (REALS(rng, (3, 3), dtype), rng.integers(0, 4, ())), {}

    return linear(
        name,
        batch=spreading,
        lower=Element(lambda e, index, x, code: e.at(x, index)),
        aval=_checked_aval,
        ref=lambda _, x, code: x.copy(),
        transpose=(lambda g, x, code: g,),
        traits=Traits(fault(what, help)),
        dtypes="fc",
        samples=samples,
    )


regular = _checked(
    "regular",
    "{which} is singular: pivot {order} is 0",
    "add a small multiple of the unit matrix, or take tn.linalg.lstsq or tn.linalg.pinv",
)
positive = _checked(
    "positive",
    "{which} is not positive definite: the leading minor of order {order} is not positive",
    "add a small multiple of the unit matrix, or take tn.linalg.eigh",
)
paired = _checked(
    "paired",
    "the factors of {which} are none: pivot {order} is no row, or has no second one",
    "take both results of tn.linalg.ldl_factor as they are",
)
exchanged = _checked(
    "exchanged",
    "the pivots of {which} are none: pivot {order} is no row",
    "take both results of tn.linalg.lu_factor as they are",
)
converged = _checked(
    "converged",
    "the iteration did not converge for {which}",
    "look for infinite elements and NaN, as in x.isfinite().all()",
)
"""A value, and the error where its matrix has no result."""


def code_of(report: Value) -> Value:
    """The codes of matrices, from what LAPACK reports: the last two elements of a packed result."""
    found = TABLE["cast"](re(report), dtype=dtypes.int64)
    info, matrix = (shaped(part(found, found.ndim - 1, k, 1), found.shape[:-1]) for k in range(2))
    after = matrix + matrix.coerce(1)
    first = matrix if found.ndim == 1 else after  # an example may have more matrices beside it than it knows of
    matrix = pointwise.where(pointwise.equal(matrix, matrix.coerce(0)), first, after)
    size = pointwise.absolute(info)
    code = -(matrix * matrix.coerce(1 << BITS) + size)
    return pointwise.where(pointwise.equal(info, info.coerce(0)), info, code)


def sampled(rng: Any, shape: Shape, dtype: DType, shift: float = 0.0) -> Any:
    """Matrices of random numbers, plus a multiple of the unit matrix."""
    return converted(np, drawn(rng, shape, dtype) + shift * np.eye(shape[-2], shape[-1]), dtype)


def drawn(rng: Any, shape: Shape, dtype: DType) -> Any:
    """Random numbers, wide."""
    return REALS(rng, shape, dtypes.complex128 if dtype.is_complex else dtypes.float64)
