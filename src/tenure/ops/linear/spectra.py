"""Functions of spectra and orthogonal factors, in primitives: what singular values and eigenvalues tell of matrices."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from tenure import dtypes
from tenure.errors import ShapeError
from tenure.ir.program import Value
from tenure.ops import move, pointwise, reduce
from tenure.ops.complexes import COMPLEX
from tenure.ops.contract import transposed
from tenure.ops.linear.eig import general
from tenure.ops.linear.eigh import hermitian
from tenure.ops.linear.parts import adjoint, converged, matrices, mm, re, square, tied, unpacked
from tenure.ops.linear.qr import not_smooth, orthogonal, wide_of
from tenure.ops.linear.svd import NONE, shapes, singular
from tenure.ops.linear.systems import inverse, report, spread, symmetric
from tenure.ops.promote import as_type
from tenure.ops.rearrange import part, shaped
from tenure.ops.select import counting

EPSILON = {dtypes.float32: 2.0**-23, dtypes.float64: 2.0**-52}


def eigh(a: Value, *, upper: bool, name: str = "eigh") -> tuple[Value, Value]:
    """Eigenvalues, ascending, and eigenvectors as columns, of Hermitian matrices."""
    n = a.shape[-1] if a.ndim else 0
    found = hermitian(symmetric(a, name, upper), vectors=True)
    w, rows = unpacked(found, (n,), (n, n))
    code = report(found)
    return converged(re(w), code), converged(adjoint(rows), code)


def eigvalsh(a: Value, *, upper: bool) -> Value:
    """Eigenvalues of Hermitian matrices."""
    return eigenvalues(a, upper=upper, name="eigvalsh")


def eigenvalues(a: Value, *, upper: bool, name: str) -> Value:
    """Eigenvalues of Hermitian matrices. Vectors are computed only where a gradient is going to need them."""
    x = symmetric(a, name, upper)
    found = hermitian(x, vectors=bool(x.builder.tracked[x.id]))
    return converged(re(unpacked(found, (a.shape[-1],))[0]), report(found))


def eig(a: Value, *, name: str = "eig") -> tuple[Value, Value]:
    """Eigenvalues and eigenvectors, complex."""
    n = square(name, a.aval)
    z = a if a.dtype.is_complex else as_type(a, COMPLEX[a.dtype])
    found = general(transposed(z))
    w, rows = unpacked(found, (n,), (n, n))
    code = report(found)
    return converged(w, code), converged(transposed(rows), code)


def eigvals(a: Value) -> Value:
    """Eigenvalues, complex."""
    return eig(a, name="eigvals")[0]


def svd(x: Value, *, full: bool, name: str = "svd") -> tuple[Value, Value, Value]:
    """U, the singular values, descending, and Vᴴ."""
    matrices(name, x.aval)
    full = full and x.shape[-1] != x.shape[-2]
    if not min(x.shape[-2:]):
        left, few, right = shapes(x.shape, full)
        none = x.builder.full((*x.shape[:-2], *few), 0, re(x).dtype)
        return tied(unit(x, *left), x), tied(none, re(x)), tied(unit(x, *right), x)
    found = singular(x, full=int(full))
    u, s, vh = unpacked(found, *shapes(x.shape, full))
    code = report(found)
    return converged(u, code), converged(re(s), code), converged(vh, code)


def svdvals(x: Value, *, name: str = "svdvals") -> Value:
    """Singular values, descending."""
    matrices(name, x.aval)
    if x.builder.tracked[x.id] or not min(x.shape[-2:]):
        return svd(x, full=False, name=name)[1]
    found = singular(x, full=NONE)
    return converged(re(unpacked(found, (min(x.shape[-2:]),))[0]), report(found))


def qr(x: Value, *, mode: str) -> tuple[Value, Value]:
    """Q and R. A matrix with more columns than rows is one that is square, and what Qᴴ makes of the others."""
    m, n = matrices("qr", x.aval)
    if n > m:
        q, r = qr(part(x, x.ndim - 1, 0, m), mode="reduced")
        return q, move.concat(r, mm(adjoint(q), part(x, x.ndim - 1, m, n - m)), axis=x.ndim - 1)
    complete = mode == "complete" and m > n
    if complete and x.builder.tracked[x.id]:
        raise not_smooth()
    wide = wide_of(x.shape, complete)
    if not n:
        return tied(unit(x, m, wide), x), tied(x.builder.full((*x.shape[:-2], wide, n), 0, x.dtype), x)
    q, r = unpacked(orthogonal(x, complete=complete), (m, wide), (wide, n))
    return q, r


def unit(x: Value, m: int, n: int) -> Value:
    """Ones on the diagonal of matrices of a shape, zeros elsewhere, as many as x has."""
    return spread(as_type(pointwise.equal(counting(x, m, 0, 2), counting(x, n, 1, 2)), x.dtype), x.shape[:-2])


def largest(s: Value) -> Value:
    """The largest of values along the last axis, which is kept; 0 if there is none."""
    if not s.shape[-1]:
        return s.builder.full((*s.shape[:-1], 1), 0, s.dtype)
    return shaped(reduce.reduce_max(s, axes=(s.ndim - 1,)), (*s.shape[:-1], 1))


def least_size(x: Value, s: Value, rtol: Value | None, atol: Value | None = None) -> Value:
    """The size from which singular values count: PyTorch's and the array API's, by default the largest one times the
    larger side and the precision."""

    def column(v: Value) -> Value:
        v = as_type(v, s.dtype)
        return shaped(v, (*v.shape, 1)) if v.ndim else v

    relative = s.coerce(max(x.shape[-2:]) * EPSILON[s.dtype]) if rtol is None else column(rtol)
    edge = largest(s) * relative
    if atol is None:
        return edge
    fixed = column(atol)
    if rtol is None:
        edge = pointwise.where(pointwise.greater(fixed, fixed.coerce(0.0)), edge * 0.0, edge)
    return pointwise.maximum(edge, fixed)


def sizes_of(x: Value, hermitian: bool, name: str) -> Value:
    """Singular values; of Hermitian matrices the absolute eigenvalues."""
    if hermitian:
        return pointwise.absolute(eigenvalues(x, upper=False, name=name))
    return svdvals(x, name=name)


def matrix_rank(x: Value, *tolerances: Value, given: str, hermitian: bool) -> Value:
    """The number of singular values larger than a tolerance (int64)."""
    matrices("matrix_rank", x.aval)
    named = dict(zip(given.split(), tolerances, strict=True))
    s = sizes_of(x, hermitian, "matrix_rank")
    counted = pointwise.greater(s, least_size(x, s, named.get("rtol"), named.get("atol")))
    return reduce.reduce_sum(as_type(counted, dtypes.int64), axes=(counted.ndim - 1,))


def reduced(name: str, x: Value, axis: int, of: Callable[..., Value]) -> Value:
    """A reduction by the largest or smallest of an axis, which is not empty."""
    if not x.shape[axis]:
        raise ShapeError(f"{name} over an axis of size 0 has no value: shape {list(x.shape)}")
    return of(x, axes=(axis,))


def matrix_norm(x: Value, *, order: str | float, name: str = "matrix_norm") -> Value:
    """A norm of matrices."""
    matrices(name, x.aval, "fhc")
    last = x.ndim - 1
    if order == "fro":
        squares = re(x) * re(x)
        if x.dtype.is_complex:
            size = pointwise.absolute(x)
            squares = size * size
        total = reduce.reduce_sum(squares, axes=(last - 1, last))
        none = pointwise.equal(total, total.coerce(0.0))
        return pointwise.where(none, total.coerce(0.0), pointwise.sqrt(pointwise.where(none, total.coerce(1.0), total)))
    if order in ("nuc", 2, -2):
        s = svdvals(x, name=name)
        if order == "nuc":
            return reduce.reduce_sum(s, axes=(s.ndim - 1,))
        return reduced(name, s, s.ndim - 1, reduce.reduce_max if order == 2 else reduce.reduce_min)
    if order not in (1, -1, inf, -inf):
        raise ShapeError(f"{name}: ord is fro, nuc, 1, 2, inf or one of these negative, not {order}")
    along = last - 1 if order in (1, -1) else last
    sums = reduce.reduce_sum(pointwise.absolute(x), axes=(along,))
    return reduced(name, sums, sums.ndim - 1, reduce.reduce_max if order > 0 else reduce.reduce_min)


def cond(x: Value, *, order: str | float | None) -> Value:
    """The condition number; infinite for a singular matrix."""
    matrices("cond", x.aval)
    if order in (None, 2, -2):
        s = svdvals(x, name="cond")
        if not s.shape[-1]:
            raise ShapeError(f"cond of matrices without elements has no value: shape {list(x.shape)}")
        first, last = (shaped(part(s, s.ndim - 1, k, 1), s.shape[:-1]) for k in (0, s.shape[-1] - 1))
        return last / first if order == -2 else first / last
    square("cond", x.aval)
    assert order is not None
    back, info = inverse(x, check=False, name="cond")
    found = matrix_norm(x, order=order, name="cond") * matrix_norm(back, order=order, name="cond")
    broken = pointwise.not_equal(info, info.coerce(0))
    return pointwise.where(broken, found.coerce(inf), found)
