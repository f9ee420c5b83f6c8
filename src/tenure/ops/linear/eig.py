"""Eigenvalues and eigenvectors of any square matrices. Derivatives: Boeddeker et al. (2017), On the computation of
complex-valued gradients, 4.13."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.dtypes import DType
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops.batching import spreading
from tenure.ops.complexes import conjugate
from tenure.ops.contract import transposed
from tenure.ops.declare import primitive
from tenure.ops.linear import parts
from tenure.ops.linear.eigh import off, size_of
from tenure.ops.linear.factors import factors, solved
from tenure.ops.linear.parts import (
    Piece,
    adjoint,
    apart,
    diagonal,
    in_kind,
    mm,
    on_main,
    packed,
    quotient,
    re,
    sampled,
    sizes,
    square,
    unpacked,
)
from tenure.ops.rearrange import shaped
from tenure.ops.selection import settled


def _aval(a: Aval) -> Aval:
    n = square("eig", a, "c")
    return Aval((*a.shape[:-2], n * n + n + 2), a.dtype)


def _ref(np: Any, a: Any) -> Any:
    lead, n = a.shape[:-2], a.shape[-1]
    w, v = np.linalg.eig(a.swapaxes(-1, -2))
    return np.concatenate([w, v.swapaxes(-1, -2).reshape(*lead, n * n), np.zeros((*lead, 2))], -1).astype(a.dtype)


def _found(ans: Value) -> tuple[Value, Value]:
    """Eigenvalues, and eigenvectors as columns."""
    n = size_of(ans.shape[-1] - 2)
    w, rows = unpacked(ans, (n,), (n, n))
    return w, transposed(rows)


def solution(a: Value, b: Value, *, adjoint_of: bool = False) -> Value:
    """a⁻¹ b, or a⁻ᴴ b."""
    known = factors(a)
    if adjoint_of:
        return transposed(conjugate(solved(a, known, transposed(conjugate(b)), turned=True)))
    return transposed(solved(a, known, transposed(b), turned=False))


def _vjp(g: Value, ans: Value, a: Value) -> list[Value | None]:
    (w, v), (gw, gv) = _found(ans), _found(settled(g))
    inner = mm(adjoint(v), gv)
    inner = inner - mm(adjoint(v), v * in_kind(_row(re(diagonal(inner))), a))
    inner = quotient(off(inner), conjugate(apart(w))) + on_main(gw)
    return [transposed(solution(v, mm(inner, adjoint(v)), adjoint_of=True))]


def _row(x: Value) -> Value:
    return shaped(x, (*x.shape[:-1], 1, x.shape[-1]))


def _jvp(dxs: Sequence[Value | None], ans: Value, a: Value) -> Value:
    (da,) = parts.tangents(dxs)
    assert da is not None
    w, v = _found(ans)
    inner = solution(v, mm(transposed(da), v))
    dv = mm(v, quotient(off(inner), apart(w)))
    dv = dv - v * in_kind(_row(re(diagonal(mm(adjoint(v), dv)))), a)
    rest = ans.builder.full((*ans.shape[:-1], 2), 0, ans.dtype)
    return packed(diagonal(inner), transposed(dv), rest, lead=a.ndim - 2)


def _samples(rng: Any, dtype: DType) -> Any:
    for shape in ((3, 3), (2, 4, 4), (1, 1), (0, 0), (0, 2, 2)):
        yield (sampled(rng, shape, dtype),), {}


def _layout(size: int, xs: Sequence[Aval]) -> list[int]:
    n = xs[0].shape[-1]
    length = 66 * n + 1
    return [n, Piece(size * n * n), Piece(size * length), length, Piece(size * n)]


general: Primitive = primitive(
    "general",
    batch=spreading,
    lower=sizes(_layout, "general", ("geev", "geev")),
    aval=_aval,
    ref=_ref,
    vjp=_vjp,
    jvp=_jvp,
    argnums=(0,),
    dtypes="c",
    samples=_samples,
)
"""w and Xᵀ with aᵀ X = X w, of complex matrices; each column of X has length 1, its largest element is real. LAPACK's
order is that of the transpose, as its matrices lie column by column."""
