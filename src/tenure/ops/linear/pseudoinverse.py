"""The pseudoinverse, by singular values, with a derivative of its own: Golub and Pereyra (1973), The differentiation of
pseudo-inverses and nonlinear least squares problems whose variables separate.

    P = inverted a (P by singular values)       dP = −P da P + P Pᴴ daᴴ (1 − a P) + (1 − P a) daᴴ Pᴴ P

It holds at every rank that stays, and where singular values are equal: theirs would not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops import pointwise
from tenure.ops.batching import examples, spread, spreading
from tenure.ops.contract import transposed
from tenure.ops.declare import primitive
from tenure.ops.linear import parts
from tenure.ops.linear.parts import adjoint, in_kind, matrices, mm, sampled
from tenure.ops.linear.spectra import least_size, matrix_rank, svd, svdvals
from tenure.ops.linear.systems import beside, symmetric
from tenure.ops.lowering import Element
from tenure.ops.promote import stop
from tenure.ops.rearrange import shaped
from tenure.ops.selection import settled


def _aval(a: Aval, known: Aval) -> Aval:
    m, n = matrices("pinv", a)
    if known.shape != (*a.shape[:-2], n, m):
        raise ShapeError(f"pinv: an inverse of shape {list(known.shape)} of matrices of shape {list(a.shape)}")
    if known.dtype is not a.dtype:
        raise DTypeError(f"pinv: dtypes {a.dtype.name} and {known.dtype.name} need a cast")
    return known


def _rest(x: Value, y: Value, z: Value) -> Value:
    """(1 − x y) z."""
    return z - mm(x, mm(y, z))


def _vjp(g: Value, ans: Value, a: Value, known: Value) -> list[Value | None]:
    g, back = settled(g), adjoint(ans)
    left = mm(_rest(a, ans, mm(adjoint(g), ans)), back)
    right = mm(back, ans, adjoint(g))
    return [left + (right - mm(mm(right, ans), a)) - mm(back, g, back)]


def _jvp(dxs: Sequence[Value | None], ans: Value, a: Value, known: Value) -> Value:
    (da,) = parts.tangents(dxs)
    assert da is not None
    turned, back = adjoint(da), adjoint(ans)
    left = mm(ans, back, turned)
    return (left - mm(mm(left, a), ans)) + _rest(ans, a, mm(turned, back, ans)) - mm(ans, da, ans)


def _by_values(x: Value, rtol: Value | None = None, atol: Value | None = None) -> Value:
    """The pseudoinverse, by the singular values that count."""
    if not x.aval.size:
        return transposed(x)
    u, s, vh = svd(x, full=False, name="pinv")
    counts = pointwise.greater(s, least_size(x, s, rtol, atol))
    inverse_of = pointwise.where(counts, 1 / pointwise.where(counts, s, s.coerce(1.0)), s.coerce(0.0))
    return mm(adjoint(vh) * in_kind(shaped(inverse_of, (*s.shape[:-1], 1, s.shape[-1])), x), adjoint(u))


def _batch(of: Primitive, batched: Sequence[bool], a: Value, known: Value) -> Value:
    """Examples of matrices have inverses of their own."""
    if batched[0] != batched[1]:
        a = spread(a, batched[0], examples(batched, (a, known)))
        known, batched = _by_values(a), (True, True)
    return spreading(of, batched, a, known)


def _samples(rng: Any, dtype: DType) -> Any:
    for shape in ((3, 3), (4, 2), (2, 2, 3), (1, 1), (0, 2), (0, 2, 2)):
        a = sampled(rng, shape, dtype, 9.0)
        yield (a, numpy.linalg.pinv(a) if dtype.kind in "fc" else sampled(rng, shape[::-1], dtype)), {}


inverted: Primitive = primitive(
    "inverted",
    batch=_batch,
    lower=Element(lambda e, index, a, known: e.at(known, index), exact=False),
    aval=_aval,
    ref=lambda np, a, known: np.linalg.pinv(a).astype(a.dtype),
    vjp=_vjp,
    jvp=_jvp,
    argnums=(0,),
    dtypes="fc",
    samples=_samples,
)
"""The pseudoinverse of a, which is ``known``."""


def pinv(x: Value, *tolerances: Value, given: str, hermitian: bool = False) -> Value:
    """The pseudoinverse, by the singular values that count."""
    matrices("pinv", x.aval)
    if hermitian:
        x = symmetric(x, "pinv")
    named = dict(zip(given.split(), [stop(t) for t in tolerances], strict=True))
    return inverted(x, _by_values(stop(x), named.get("rtol"), named.get("atol")))


def lstsq(a: Value, b: Value, *tolerances: Value, given: str, vector: bool) -> tuple[Value, Value, Value]:
    """The least-squares solution of least norm, the rank, and the singular values."""
    matrices("lstsq", a.aval)
    if vector:
        b = shaped(b, (*b.shape, 1))
    a, b = beside("lstsq", a, b)
    if a.shape[-2] != b.shape[-2]:
        raise ShapeError(f"lstsq: shapes {list(a.shape)} and {list(b.shape)}: both need as many rows")
    s = svdvals(a, name="lstsq")
    found = mm(pinv(a, *tolerances, given=given), b)
    rank = matrix_rank(a, *tolerances, given=given, hermitian=False)
    return shaped(found, found.shape[:-1]) if vector else found, rank, s
