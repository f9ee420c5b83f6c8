"""Eigenvalues and eigenvectors of Hermitian matrices. Derivatives: Giles (2008), An extended collection of matrix
derivative results, 3.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.dtypes import DType
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops import move, pointwise
from tenure.ops.batching import spreading
from tenure.ops.declare import primitive
from tenure.ops.linear import parts
from tenure.ops.linear.cholesky import definite
from tenure.ops.linear.parts import (
    Piece,
    adjoint,
    apart,
    diagonal,
    folded,
    in_kind,
    mirrored,
    mm,
    on_main,
    packed,
    quotient,
    re,
    sizes,
    square,
    unpacked,
)
from tenure.ops.selection import settled

LARGE = 0.43
"""The part of the largest element of an eigenvector from which on one is large: the first that is large is positive, in
real eigenvectors, so that the sign depends neither on rounding nor on the way that they are computed."""


def _aval(a: Aval, *, vectors: bool) -> Aval:
    n = square("eigh", a)
    return Aval((*a.shape[:-2], n * n + n + 2), a.dtype)


def _ref(np: Any, a: Any, *, vectors: bool) -> Any:
    lead = a.shape[:-2]
    w, v = np.linalg.eigh(a.swapaxes(-1, -2), "U")
    v = (v if np.iscomplexobj(v) else _directed(np, v)) if vectors else np.zeros_like(v)
    return np.concatenate(
        [w.astype(a.dtype), v.swapaxes(-1, -2).reshape(*lead, a.shape[-1] ** 2), np.zeros((*lead, 2), a.dtype)], -1
    )


def _directed(np: Any, v: Any) -> Any:
    """Real eigenvectors, columns, with the sign that they have here."""
    if not v.size:
        return v
    size = np.abs(v)
    first = np.argmax(size >= v.dtype.type(LARGE) * size.max(-2, keepdims=True), -2)
    sign = np.take_along_axis(v, first[..., None, :], -2)
    return np.where(sign < 0, -v, v)


def _found(ans: Value) -> tuple[Value, Value]:
    """Eigenvalues, and the adjoint of the eigenvectors."""
    n = size_of(ans.shape[-1] - 2)
    w, rows = unpacked(ans, (n,), (n, n))
    return re(w), rows


def size_of(count: int) -> int:
    """n of n² + n elements."""
    n = int(count**0.5)
    return n if n * (n + 1) == count else n - 1


def off(x: Value) -> Value:
    """Matrices without their diagonal."""
    n = x.shape[-1]
    one = pointwise.equal(parts.eye(x, n), x.coerce(1.0))
    return pointwise.where(move.broadcast_to(one, shape=x.shape), x.coerce(0.0), x)


def _vjp(g: Value, ans: Value, a: Value, *, vectors: bool) -> list[Value | None]:
    gw, g_rows = _found(settled(g))
    w, rows = _found(ans if vectors else hermitian(a, vectors=True))
    inner = on_main(in_kind(gw, a))
    if vectors:
        inner = quotient(off(mm(rows, adjoint(g_rows))), apart(w)) + inner
    return [folded(mm(adjoint(rows), inner, rows))]


def _jvp(dxs: Sequence[Value | None], ans: Value, a: Value, *, vectors: bool) -> Value:
    (da,) = parts.tangents(dxs)
    assert da is not None
    w, rows = _found(ans if vectors else hermitian(a, vectors=True))
    inner = mm(rows, mirrored(da), adjoint(rows))
    dw = in_kind(re(diagonal(inner)), a)
    turned = mm(adjoint(quotient(off(inner), apart(w))), rows) if vectors else rows.zeros()
    return packed(dw, turned, ans.builder.full((*ans.shape[:-1], 2), 0, ans.dtype), lead=a.ndim - 2)


def _samples(rng: Any, dtype: DType) -> Any:
    for shape in ((3, 3), (2, 4, 4), (1, 1), (0, 0), (0, 2, 2)):
        for vectors in (True, False):
            yield (definite(rng, shape, dtype),), {"vectors": vectors}


def _layout(size: int, xs: Sequence[Aval], *, vectors: bool) -> list[int]:
    n = xs[0].shape[-1]
    if xs[0].dtype.is_complex:
        length, many = 2 * n + n * n + 64 * n + 1, 1 + 5 * n + 2 * n * n
    else:
        length, many = 1 + 6 * n + 2 * n * n + 64 * n, 0
    numbers = 3 + 5 * n
    room = [Piece(size * length), length, Piece(size * many), many, Piece(4 * numbers), numbers, Piece(size * n)]
    return [n, *room, vectors]


hermitian: Primitive = primitive(
    "hermitian",
    batch=spreading,
    lower=sizes(_layout, "hermitian", ("syevd", "heevd")),
    aval=_aval,
    ref=_ref,
    vjp=_vjp,
    jvp=_jvp,
    argnums=(0,),
    dtypes="fc",
    samples=_samples,
)
"""w, ascending, and Xᴴ with a = X w Xᴴ, of which the lower triangle is read; zeros for Xᴴ without ``vectors``. Where
eigenvalues are equal, gradients of eigenvectors are infinite or NaN; those of eigenvalues alone are not."""
