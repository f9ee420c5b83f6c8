"""Linear systems, inverses and determinants, in primitives.

    solve a b        known = factors a; x = solved a known b, checked to be regular
    det a            the product of the diagonal of factors a, with the sign of their order
"""

from __future__ import annotations

from math import prod

from tenure import dtypes
from tenure.errors import ShapeError
from tenure.ir.program import Value
from tenure.ops import division, move, pointwise, reduce
from tenure.ops.contract import transposed
from tenure.ops.declare import broadcast_shapes
from tenure.ops.index import add_along, take_along
from tenure.ops.linear import parts
from tenure.ops.linear.cholesky import cholesky as cholesky_of
from tenure.ops.linear.exchanges import exchanges
from tenure.ops.linear.factors import factors, order_of, solved
from tenure.ops.linear.parts import (
    adjoint,
    code_of,
    diagonal,
    in_kind,
    lower,
    matrices,
    mirrored,
    mm,
    positive,
    re,
    regular,
    square,
    unpacked,
    upper,
)
from tenure.ops.linear.triangular import triangular
from tenure.ops.promote import as_type, common
from tenure.ops.rearrange import part, shaped
from tenure.ops.select import counting


def report(x: Value) -> Value:
    """The codes of a packed result."""
    return code_of(part(x, x.ndim - 1, x.shape[-1] - 2, 2))


def info_of(x: Value) -> Value:
    """The report of LAPACK of each matrix (int32)."""
    return shaped(as_type(re(part(x, x.ndim - 1, x.shape[-1] - 2, 1)), dtypes.int32), x.shape[:-1])


def spread(x: Value, lead: tuple[int, ...]) -> Value:
    """Matrices for each of a batch."""
    shape = (*lead, *x.shape[-2:])
    return x if x.shape == shape else move.broadcast_to(x, shape=shape)


def beside(name: str, a: Value, b: Value) -> tuple[Value, Value]:
    """Matrices of one dtype, whose batches are broadcast together."""
    for x in (a, b):
        matrices(name, x.aval)
    a, b = common(a, b)
    lead = broadcast_shapes([a.shape[:-2], b.shape[:-2]], f"{name} (batch axes)")
    return spread(a, lead), spread(b, lead)


def symmetric(a: Value, name: str, above: bool = False) -> Value:
    """The Hermitian matrix of which a has one triangle. Where both agree each has half of the gradient, as if a were
    always Hermitian."""
    square(name, a.aval)
    a = adjoint(a) if above else a
    turned = adjoint(a)
    return pointwise.where(pointwise.equal(a, turned), (a + turned) * 0.5, mirrored(a))


def cholesky_ex(a: Value, *, upper: bool, name: str = "cholesky", check: bool = False) -> tuple[Value, Value]:
    """Cholesky's factor, and what LAPACK reports."""
    from_ = symmetric(a, name)
    found = cholesky_of(from_)
    (factor,) = unpacked(found, a.shape[-2:])
    if check:
        factor = positive(factor, report(found))
    return adjoint(factor) if upper else factor, info_of(found)


def cholesky(a: Value, *, upper: bool) -> Value:
    """Cholesky's factor of positive definite matrices."""
    return cholesky_ex(a, upper=upper, check=True)[0]


def cholesky_solve(b: Value, factor: Value, *, upper: bool) -> Value:
    """The solution of a system, given Cholesky's factor."""
    factor, b = beside("cholesky_solve", factor, b)
    half = triangular(factor, b, upper=upper, adjoint=upper, unit=False)
    return triangular(factor, half, upper=upper, adjoint=not upper, unit=False)


def cholesky_inverse(factor: Value, *, upper: bool) -> Value:
    """The inverse, given Cholesky's factor."""
    n = square("cholesky_inverse", factor.aval)
    half = triangular(factor, units(factor, n), upper=upper, adjoint=upper, unit=False)
    return mm(adjoint(half), half)


def units(x: Value, n: int) -> Value:
    """A unit matrix for each matrix of x."""
    return spread(parts.eye(x, n), x.shape[:-2])


def solve_triangular(a: Value, b: Value, *, upper: bool, left: bool, unitriangular: bool) -> Value:
    """The solution of a triangular system, checked to be regular."""
    square("solve_triangular", a.aval)
    a, b = beside("solve_triangular", a, b)
    if not left:
        b = adjoint(b)
    fits("solve_triangular", a, b)
    found = triangular(a, b, upper=upper, adjoint=not left, unit=unitriangular)
    if not unitriangular and a.shape[-1]:
        found = regular(found, zeros_on(diagonal(a)))
    return found if left else adjoint(found)


def fits(name: str, a: Value, b: Value) -> None:
    """ShapeError (TN802) where a right-hand side has not as many rows as the matrix."""
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(
            f"{name}: matrices of shape {list(a.shape)} and a right-hand side of {b.shape[-2]} elements do not agree"
        )


def zeros_on(d: Value) -> Value:
    """The codes of triangular matrices with a diagonal: of the first 0 on it."""
    return first_of(pointwise.equal(d, d.coerce(0.0)))


def first_of(wrong: Value) -> Value:
    """The codes of matrices some of whose rows are wrong: of the first one."""
    n, lead = wrong.shape[-1], wrong.shape[:-1]
    places = counting(wrong, n, 0, 1) + 1
    far = places.coerce(n + 1)
    first = reduce.reduce_min(pointwise.where(wrong, places, far), axes=(wrong.ndim - 1,))
    number = counting(wrong, prod(lead), 0, 1) + 1 if lead else counting(wrong, 1, 0, 1)
    code = -(shaped(number, lead) * number.coerce(1 << parts.BITS) + first)
    return pointwise.where(pointwise.equal(first, far), first.coerce(0), code)


def solve(a: Value, b: Value, *, left: bool, vector: bool, check: bool = True) -> tuple[Value, Value]:
    """The solution of a system, and what LAPACK reports; ``vector``: of right-hand sides that are vectors."""
    n = square("solve", a.aval)
    if vector:
        b = shaped(b, (*b.shape, 1))
    matrices("solve", b.aval)
    if not left:
        b = transposed(b)
    fits("solve", a, b)
    a, b = common(a, b)
    lead = broadcast_shapes([a.shape[:-2], b.shape[:-2]], "solve (batch axes)")
    rows = transposed(b)
    many = a.ndim == 2 and b.ndim > 2
    if many:  # one matrix has all of them as its right-hand sides
        rows = shaped(rows, (prod(rows.shape[:-1]), n))
    else:
        a, rows = spread(a, lead), spread(rows, lead)
    known = factors(a)
    found = solved(a, known, rows, turned=not left)
    if many:
        found = shaped(found, (*lead, b.shape[-1], n))
    if check:
        found = regular(found, report(known))
    found = transposed(found) if left else found
    return shaped(found, found.shape[:-1]) if vector else found, info_of(known)


def inverse(a: Value, *, check: bool = True, name: str = "inv") -> tuple[Value, Value]:
    """The inverse, and what LAPACK reports."""
    n = square(name, a.aval)
    known = factors(a)
    found = solved(a, known, units(a, n), turned=True)
    return regular(found, report(known)) if check else found, info_of(known)


def multiplied(x: Value) -> Value:
    """The product along the last axis."""
    n = x.shape[-1]
    if not n:
        return reduce.reduce_sum(x, axes=(x.ndim - 1,)) + 1
    while n > 1:
        half, last = n // 2, x.ndim - 1
        found = part(x, last, 0, half) * part(x, last, half, half)
        x, n = move.concat(found, part(x, last, n - 1, 1), axis=last) if n % 2 else found, half + n % 2
    return shaped(x, x.shape[:-1])


def pivots_of(known: Value, shape: tuple[int, int]) -> Value:
    """The column that each was exchanged with (int64)."""
    m, n = shape
    return as_type(re(part(known, known.ndim - 1, m * n, min(m, n))), dtypes.int64)


def parity(known: Value, n: int, like: Value) -> Value:
    """The sign of an order of columns."""
    moved = pointwise.not_equal(pivots_of(known, (n, n)), counting(known, n, 0, 1))
    count = reduce.reduce_sum(as_type(moved, dtypes.int64), axes=(known.ndim - 1,))
    odd = division.remainder(count, count.coerce(2))
    return as_type(odd.coerce(1) - odd * odd.coerce(2), re(like).dtype)


def det(a: Value) -> Value:
    """The determinant."""
    n = square("det", a.aval)
    known = factors(a)
    d = diagonal(unpacked(known, (n, n))[0])
    return multiplied(d) * in_kind(parity(known, n, a), a)


def slogdet(a: Value, *, name: str = "slogdet") -> tuple[Value, Value]:
    """The sign of the determinant, and the logarithm of its absolute value."""
    n = square(name, a.aval)
    known = factors(a)
    d = diagonal(unpacked(known, (n, n))[0])
    size = reduce.reduce_sum(pointwise.log(pointwise.absolute(d)), axes=(d.ndim - 1,))
    return multiplied(pointwise.sign(d)) * in_kind(parity(known, n, a), a), size


def logdet(a: Value) -> Value:
    """The logarithm of the determinant; NaN where that is negative."""
    sign, size = slogdet(a, name="logdet")
    return pointwise.log(sign) + in_kind(size, a)


def lu_factor(a: Value, *, name: str = "lu_factor", check: bool = True) -> tuple[Value, Value, Value]:
    """Both factors as one matrix, the pivots counted from 1 (int32), and what LAPACK reports."""
    m, n = matrices(name, a.aval)
    known = factors(transposed(a))
    (found,) = unpacked(known, (n, m))
    pivots = as_type(pivots_of(known, (n, m)) + 1, dtypes.int32)
    found = transposed(found)
    return regular(found, report(known)) if check and m == n else found, pivots, info_of(known)


def lu_unpack(found: Value, pivots: Value) -> tuple[Value, Value, Value]:
    """The permutation and both factors, of these as one matrix and the pivots."""
    m, n = matrices("lu_unpack", found.aval)
    k = min(m, n)
    if pivots.shape != (*found.shape[:-2], k):
        raise ShapeError(f"lu_unpack: factors of shape {list(found.shape)} and pivots of shape {list(pivots.shape)}")
    order, rows = exchanges(pivots, rows=m), shaped(counting(found, m, 0, 1), (m, 1))
    found = with_rows(found, pivots, m)
    left, right = part(found, found.ndim - 1, 0, k), part(found, found.ndim - 2, 0, k)
    one = as_type(pointwise.equal(rows, counting(found, k, 0, 1)), found.dtype)
    permuted = pointwise.equal(shaped(order, (*order.shape[:-1], 1, m)), rows)
    return with_rows(as_type(permuted, found.dtype), pivots, m), lower(left, -1) + one, upper(right)


def lu_solve(found: Value, pivots: Value, b: Value, *, left: bool, adjoint_of: bool) -> Value:
    """The solution of a system, given both factors as one matrix and the pivots."""
    n = square("lu_solve", found.aval)
    if pivots.shape != found.shape[:-1]:
        raise ShapeError(f"lu_solve: factors of shape {list(found.shape)} and pivots of shape {list(pivots.shape)}")
    order, found = exchanges(pivots, rows=n), with_rows(found, pivots, n)
    if not left:
        b, adjoint_of = adjoint(b), not adjoint_of
    found, b = beside("lu_solve", found, b)
    fits("lu_solve", found, b)
    order = shaped(order, (*order.shape, 1))
    order = move.broadcast_to(order, shape=b.shape)
    if adjoint_of:
        half = triangular(found, b, upper=True, adjoint=True, unit=False)
        half = triangular(found, half, upper=False, adjoint=True, unit=True)
        x = turned_rows(half, order)
    else:
        half = triangular(found, taken_rows(b, order), upper=False, adjoint=False, unit=True)
        x = triangular(found, half, upper=True, adjoint=False, unit=False)
    x = regular(x, zeros_on(diagonal(found))) if n else x
    return x if left else adjoint(x)


def with_rows(found: Value, pivots: Value, rows: int) -> Value:
    """The factors, and the error where a pivot is no row."""
    low, high = pointwise.less(pivots, pivots.coerce(1)), pointwise.less(pivots.coerce(rows), pivots)
    return parts.exchanged(found, first_of(pointwise.logical_or(low, high))) if pivots.shape[-1] else found


def taken_rows(x: Value, order: Value) -> Value:
    """Rows of matrices in an order."""
    return transposed(take_along(transposed(x), transposed(order)))


def turned_rows(x: Value, order: Value) -> Value:
    """Rows that are in an order where they were."""
    x = transposed(x)
    return transposed(add_along(x.zeros(), x, transposed(order)))


def lu(a: Value) -> tuple[Value, Value, Value]:
    """P, L and U with a = P L U."""
    m, n = matrices("lu", a.aval)
    k = min(m, n)
    known = factors(transposed(a))
    (found,) = unpacked(known, (n, m))
    found, order = transposed(found), order_of(known, (n, m))
    column = shaped(order, (*order.shape[:-1], 1, m))
    p = as_type(pointwise.equal(counting(a, m, 0, 2), column), a.dtype)
    left = lower(part(found, found.ndim - 1, 0, k), -1)
    left = left + spread(long_eye(a, m, k), left.shape[:-2])
    return p, left, upper(part(found, found.ndim - 2, 0, k))


def long_eye(a: Value, m: int, k: int) -> Value:
    """A matrix of ones on the diagonal, in the dtype of others."""
    rows, columns = counting(a, m, 0, 2), counting(a, k, 1, 2)
    return as_type(pointwise.equal(rows, columns), a.dtype)
