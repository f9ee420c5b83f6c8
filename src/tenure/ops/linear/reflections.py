"""Householder reflections: those that bring a matrix to a triangle, and products of them with other matrices.

    reflections x    R, below its diagonal the vectors v of the reflections I − tau v vᴴ, whose first element is 1;
                     conj(tau)

LAPACK's LQ of the transpose, whose matrices lie column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.dtypes import DType
from tenure.errors import DTypeError, GradientError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ir.program import Value
from tenure.ops.batching import spreading
from tenure.ops.complexes import conjugate
from tenure.ops.declare import primitive
from tenure.ops.linear.parts import (
    Piece,
    adjoint,
    each,
    flat,
    lower,
    matrices,
    mm,
    on_main,
    sampled,
    sizes,
    unpacked,
    upper,
)
from tenure.ops.linear.systems import long_eye, spread
from tenure.ops.linear.triangular import triangular
from tenure.ops.promote import common
from tenure.ops.rearrange import part


def _aval(x: Aval) -> Aval:
    m, n = matrices("geqrf", x)
    return Aval((*x.shape[:-2], m * n + min(m, n)), x.dtype)


def _ref(np: Any, x: Any) -> Any:
    m, n = x.shape[-2:]
    found = [np.linalg.qr(a, "raw") if a.size else (np.zeros((n, m)), np.zeros(0)) for a in each(x)]
    rows = [flat((), x.dtype, h.T, tau.conj()) for h, tau in found]
    return np.array(rows, x.dtype).reshape(*x.shape[:-2], m * n + min(m, n))


def _samples(rng: Any, dtype: DType) -> Any:
    for shape in ((3, 3), (2, 4, 2), (2, 3), (1, 1), (0, 0), (3, 0), (0, 2, 2)):
        yield (sampled(rng, shape, dtype),), {}


def _layout(size: int, xs: Sequence[Aval]) -> list[int]:
    m, n = xs[0].shape[-2:]
    length = 64 * max(m, n, 1)
    return [m, n, Piece(size * length), length]


reflections: Primitive = primitive(
    "reflections",
    batch=spreading,
    lower=sizes(_layout, "reflections", ("gelqf", "gelqf")),
    aval=_aval,
    ref=_ref,
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    dtypes="fc",
    samples=_samples,
)


def geqrf(x: Value) -> tuple[Value, Value]:
    """R and the vectors of reflections as one matrix, and their factors."""
    m, n = matrices("geqrf", x.aval)
    if x.builder.tracked[x.id]:
        raise GradientError(
            "geqrf: the vectors of reflections have no gradient",
            help="take tn.linalg.qr, whose factors have one, or detach the matrix: x.detach()",
        )
    found, tau = unpacked(reflections(x), (m, n), (min(m, n),))
    return found, conjugate(tau)


def _block(name: str, a: Value, tau: Value) -> tuple[Value, Value]:
    """V and T with I − V T Vᴴ, the product of reflections (Joffrain et al. 2006): T of one triangular system."""
    m, n = matrices(name, a.aval)
    k = tau.shape[-1] if tau.ndim else 0
    if k > min(m, n) or tau.ndim != a.ndim - 1 or tau.shape[:-1] != a.shape[:-2]:
        raise ShapeError(f"{name}: vectors of shape {list(a.shape)} and tau of shape {list(tau.shape)} do not agree")
    if tau.dtype is not a.dtype:
        raise DTypeError(f"{name}: vectors of {a.dtype.name} and tau of {tau.dtype.name} need a cast")
    v = part(a, a.ndim - 1, 0, k)
    v = lower(v, -1) + spread(long_eye(a, m, k), v.shape[:-2])
    scale = on_main(tau)
    inner = mm(scale, upper(mm(adjoint(v), v), 1))
    return v, triangular(inner, scale, upper=True, adjoint=False, unit=True)


def householder(a: Value, tau: Value) -> Value:
    """The first columns of a product of reflections."""
    m, n = matrices("householder_product", a.aval)
    if n > m:
        raise ShapeError(f"householder_product: vectors of shape {list(a.shape)}, more columns than rows")
    v, t = _block("householder_product", a, tau)
    return spread(long_eye(a, m, n), a.shape[:-2]) - mm(v, t, adjoint(part(v, v.ndim - 2, 0, n)))


def ormqr(a: Value, tau: Value, other: Value, *, left: bool, transpose: bool) -> Value:
    """A matrix times the square Q that reflections make, or Qᴴ: C − V T Vᴴ C, never Q itself."""
    v, t = _block("ormqr", a, tau)
    matrices("ormqr", other.aval)
    v, other = common(v, other)
    if other.shape[:-2] != v.shape[:-2] or other.shape[-2 if left else -1] != v.shape[-2]:
        raise ShapeError(
            f"ormqr: vectors of shape {list(a.shape)} and a matrix of shape {list(other.shape)} do not agree"
        )
    t = adjoint(t) if transpose else t
    return other - (mm(v, t, mm(adjoint(v), other)) if left else mm(mm(other, v), t, adjoint(v)))


