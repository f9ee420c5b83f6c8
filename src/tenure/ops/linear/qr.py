"""Orthogonal and triangular factors. Derivatives of matrices with no more columns than rows: Walter and Lehmann (2010),
Algorithmic differentiation of linear algebra functions; the others are made of these (``ops.matrices``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.dtypes import DType
from tenure.errors import GradientError
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops.batching import spreading
from tenure.ops.declare import primitive
from tenure.ops.linear import parts
from tenure.ops.linear.parts import (
    Piece,
    adjoint,
    diagonal,
    flat,
    in_kind,
    matrices,
    mm,
    on_main,
    packed,
    re,
    sampled,
    sizes,
    unpacked,
    upper,
)
from tenure.ops.linear.triangular import triangular
from tenure.ops.selection import settled


def wide_of(shape: tuple[int, ...], complete: bool) -> int:
    """The columns of Q."""
    return shape[-2] if complete else min(shape[-2:])


def _aval(x: Aval, *, complete: bool) -> Aval:
    m, n = matrices("qr", x)
    return Aval((*x.shape[:-2], wide_of(x.shape, complete) * (m + n)), x.dtype)


def _ref(np: Any, x: Any, *, complete: bool) -> Any:
    if not x.size:
        m, n = x.shape[-2:]
        wide = wide_of(x.shape, complete)
        q = np.broadcast_to(np.eye(m, wide, dtype=x.dtype), (*x.shape[:-2], m, wide))
        return np.concatenate([q.reshape(*x.shape[:-2], m * wide), np.zeros((*x.shape[:-2], wide * n), x.dtype)], -1)
    q, r = np.linalg.qr(x, "complete" if complete else "reduced")
    return flat(x.shape[:-2], x.dtype, q, r)


def _shapes(x: Value, complete: bool) -> tuple[tuple[int, int], tuple[int, int]]:
    m, n = x.shape[-2:]
    if n > m or (complete and m > n):
        raise not_smooth()
    return (m, n), (n, n)


def not_smooth() -> GradientError:
    """The error for the gradient of a complete Q."""
    return GradientError(
        "qr: a complete Q of more rows than columns has no gradient: what is added to the columns is any basis",
        help='take mode="reduced"',
    )


def _upper(x: Value) -> Value:
    """Strictly upper triangle, and the real diagonal."""
    return upper(x, 1) + on_main(in_kind(re(diagonal(x)), x))


def _right(r: Value, y: Value, turned: bool) -> Value:
    """y R⁻¹, or y R⁻ᴴ."""
    return adjoint(triangular(r, adjoint(y), upper=True, adjoint=not turned, unit=False))


def _vjp(g: Value, ans: Value, x: Value, *, complete: bool) -> list[Value | None]:
    shapes = _shapes(x, complete)
    (q, r), (gq, gr) = unpacked(ans, *shapes), unpacked(settled(g), *shapes)
    inner = _upper(mm(gr, adjoint(r)) - mm(adjoint(q), gq))
    inner = inner + adjoint(upper(inner, 1))
    return [_right(r, gq + mm(q, inner), turned=True)]


def _jvp(dxs: Sequence[Value | None], ans: Value, x: Value, *, complete: bool) -> Value:
    (dx,) = parts.tangents(dxs)
    assert dx is not None
    q, r = unpacked(ans, *_shapes(x, complete))
    b = _right(r, dx, turned=False)
    inner = mm(adjoint(q), b)
    inner = _upper(inner) + adjoint(parts.lower(inner, -1))
    return packed(b - mm(q, inner), mm(inner, r), lead=x.ndim - 2)


def _samples(rng: Any, dtype: DType) -> Any:
    for shape in ((3, 3), (2, 4, 2), (5, 3), (1, 1), (0, 0), (3, 0), (0, 2, 2)):
        yield (sampled(rng, shape, dtype, 3.0),), {"complete": False}


def _layout(size: int, xs: Sequence[Aval], *, complete: bool) -> list[int]:
    m, n = xs[0].shape[-2:]
    wide = wide_of(xs[0].shape, complete)
    length = 64 * max(m, n, 1)
    return [m, n, wide, Piece(size * m * n), Piece(size * min(m, n)), Piece(size * length), length]


orthogonal: Primitive = primitive(
    "orthogonal",
    batch=spreading,
    lower=sizes(_layout, "orthogonal", ("gelqf", "gelqf")),
    aval=_aval,
    ref=_ref,
    vjp=_vjp,
    jvp=_jvp,
    argnums=(0,),
    dtypes="fc",
    samples=_samples,
)
"""Q and R with x = Q R: Q has as many columns as the smaller side, or with ``complete`` as x has rows."""
