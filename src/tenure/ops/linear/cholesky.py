"""Cholesky's factor of positive definite matrices. Derivatives: Murray (2016), Differentiation of the Cholesky
decomposition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from tenure.dtypes import DType
from tenure.ir.aval import Aval
from tenure.ir.program import Value
from tenure.ops.batching import spreading
from tenure.ops.convert import converted
from tenure.ops.declare import primitive
from tenure.ops.linear import parts
from tenure.ops.linear.parts import (
    adjoint,
    diagonal,
    drawn,
    each,
    flat,
    folded,
    in_kind,
    lower,
    mirrored,
    mm,
    on_main,
    packed,
    re,
    sizes,
    square,
    unpacked,
)
from tenure.ops.linear.triangular import triangular
from tenure.ops.selection import settled


def _aval(a: Aval) -> Aval:
    n = square("cholesky", a)
    return Aval((*a.shape[:-2], n * n + 2), a.dtype)


def _factor(a: Any) -> tuple[Any, int]:
    """The factor of a matrix, and the order of the first leading minor that is not positive, or 0."""
    try:
        return numpy.linalg.cholesky(a), 0
    except numpy.linalg.LinAlgError:
        for k in range(1, len(a) + 1):
            try:
                numpy.linalg.cholesky(a[:k, :k])
            except numpy.linalg.LinAlgError:
                return numpy.full_like(a, numpy.nan), k
        raise


def _ref(np: Any, a: Any) -> Any:
    found = [_factor(x) for x in each(a)]
    factors = np.array([x for x, _ in found], a.dtype).reshape(a.shape)
    info = np.array([(k, m if k else 0) for m, (_, k) in enumerate(found)], a.dtype)
    return flat(a.shape[:-2], a.dtype, factors, info.reshape(*a.shape[:-2], 2))


def _halved(x: Value) -> Value:
    """The lower triangle, with half of the diagonal."""
    return lower(x, -1) + on_main(in_kind(re(diagonal(x)), x) * 0.5)


def _vjp(g: Value, ans: Value, a: Value) -> list[Value | None]:
    shape = a.shape[-2:]
    (factor,), (g,) = unpacked(ans, shape), unpacked(settled(g), shape)
    inside = _halved(mm(adjoint(factor), lower(g)))
    left = triangular(factor, inside, upper=False, adjoint=True, unit=False)
    return [folded(adjoint(triangular(factor, adjoint(left), upper=False, adjoint=True, unit=False)))]


def _jvp(dxs: Sequence[Value | None], ans: Value, a: Value) -> Value:
    (da,) = parts.tangents(dxs)
    assert da is not None
    (factor,) = unpacked(ans, a.shape[-2:])
    left = triangular(factor, mirrored(da), upper=False, adjoint=False, unit=False)
    inside = triangular(factor, adjoint(left), upper=False, adjoint=False, unit=False)
    found = mm(factor, _halved(adjoint(inside)))
    return packed(found, ans.builder.full((*ans.shape[:-1], 2), 0, ans.dtype), lead=a.ndim - 2)


def definite(rng: Any, shape: tuple[int, ...], dtype: DType) -> Any:
    """Positive definite matrices."""
    x, n = drawn(rng, shape, dtype), shape[-1]
    return converted(numpy, x @ x.conj().swapaxes(-1, -2) / max(n, 1) + 2 * numpy.eye(n), dtype)


def _samples(rng: Any, dtype: DType) -> Any:
    for shape in ((3, 3), (2, 4, 4), (1, 1), (2, 1, 2, 2), (0, 0), (0, 2, 2)):
        yield (definite(rng, shape, dtype),), {}


cholesky = primitive(
    "cholesky",
    batch=spreading,
    lower=sizes(lambda size, xs: [xs[0].shape[-1]], "cholesky", ("potrf", "potrf")),
    aval=_aval,
    ref=_ref,
    vjp=_vjp,
    jvp=_jvp,
    argnums=(0,),
    dtypes="fc",
    samples=_samples,
)
"""The lower factor L of L Lᴴ, of which the lower triangle is read: n² elements."""
