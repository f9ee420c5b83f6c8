"""Singular values and vectors. Derivatives: Townsend (2016), Differentiating the singular value decomposition; the
phase of complex vectors is that which PyTorch fixes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.dtypes import DType
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops import move
from tenure.ops.batching import spreading
from tenure.ops.declare import primitive
from tenure.ops.linear import parts
from tenure.ops.linear.eigh import off
from tenure.ops.linear.parts import (
    Piece,
    adjoint,
    apart,
    diagonal,
    in_kind,
    matrices,
    mm,
    on_main,
    packed,
    quotient,
    re,
    sampled,
    sizes,
    unpacked,
)
from tenure.ops.rearrange import part, shaped
from tenure.ops.selection import settled

Shape = tuple[int, ...]
NONE = 2


def shapes(shape: Shape, full: int) -> tuple[Shape, Shape, Shape]:
    """The shapes of U, of the singular values, and of the adjoint of V: thin (0), full (1), or none (2)."""
    m, n = shape[-2:]
    k = min(m, n)
    if full == NONE:
        return (m, 0), (k,), (0, n)
    return (m, m if full else k), (k,), (n if full else k, n)


def _aval(x: Aval, *, full: int) -> Aval:
    matrices("svd", x)
    u, s, v = shapes(x.shape, full)
    return Aval((*x.shape[:-2], u[0] * u[1] + s[0] + v[0] * v[1] + 2), x.dtype)


def _ref(np: Any, x: Any, *, full: int) -> Any:
    lead = x.shape[:-2]
    v, s, u = np.linalg.svd(x.swapaxes(-1, -2), full_matrices=full == 1)
    if full == NONE:
        v, u = v[..., :0], u[..., :0, :]
    found = [y.swapaxes(-1, -2).reshape(*lead, y.shape[-2] * y.shape[-1]) for y in (u, v)]
    return np.concatenate([found[0], s.astype(x.dtype), found[1], np.zeros((*lead, 2), x.dtype)], -1)


def _thin(x: Value, shape: Shape, full: int) -> list[Value]:
    """The parts of a packed result, of full matrices those that the matrix has; what is added to these is any basis,
    from which no gradient comes, as in PyTorch."""
    u, s, vh = unpacked(x, *shapes(shape, full))
    k = s.shape[-1]
    if full == 1:
        u, vh = part(u, u.ndim - 1, 0, k), part(vh, vh.ndim - 2, 0, k)
    return [u, re(s), vh]


def _padded(x: Value, axis: int, size: int) -> Value:
    """x with zeros behind along an axis."""
    more = size - x.shape[axis]
    return move.pad(x, widths=tuple([(0, more if k == axis else 0) for k in range(x.ndim)])) if more else x


def _skew(x: Value) -> Value:
    return x - adjoint(x)


def _row(s: Value, like: Value) -> Value:
    """Numbers for columns."""
    return in_kind(shaped(s, (*s.shape[:-1], 1, s.shape[-1])), like)


def _column(s: Value, like: Value) -> Value:
    """Numbers for rows."""
    return in_kind(shaped(s, (*s.shape, 1)), like)


def _beside(u: Value, x: Value) -> Value:
    """The part of x orthogonal to all columns of U."""
    return x - mm(u, mm(adjoint(u), x))


def _vjp(g: Value, ans: Value, x: Value, *, full: int) -> list[Value | None]:
    m, n = x.shape[-2:]
    if full == NONE:
        u, s, vh = _thin(singular(x, full=0), x.shape, 0)
        return [mm(u, on_main(in_kind(_thin(settled(g), x.shape, full)[1], x)), vh)]
    (u, s, vh), (gu, gs, gvh) = _thin(ans, x.shape, full), _thin(settled(g), x.shape, full)
    k, between = min(m, n), apart(s * s)
    left, right = _skew(mm(adjoint(u), gu)), _skew(mm(vh, adjoint(gvh)))
    inner = quotient(off(left), between) * _row(s, x) + _column(s, x) * quotient(off(right), between)
    inner = inner + on_main(in_kind(gs, x))
    if x.dtype.is_complex:
        inner = inner + on_main(quotient(diagonal(left), s * 2.0))
    found = mm(u, inner, vh)
    if m > k:
        found = found + mm(quotient(_beside(u, gu), _row(s, x)), vh)
    if n > k:
        found = found + mm(u, adjoint(quotient(_beside(adjoint(vh), adjoint(gvh)), _row(s, x))))
    return [found]


def _jvp(dxs: Sequence[Value | None], ans: Value, x: Value, *, full: int) -> Value:
    (dx,) = parts.tangents(dxs)
    assert dx is not None
    m, n = x.shape[-2:]
    rest = ans.builder.full((*ans.shape[:-1], 2), 0, ans.dtype)
    u, s, vh = _thin(singular(x, full=0) if full == NONE else ans, x.shape, full % NONE)
    v, k = adjoint(vh), min(m, n)
    inner, between = mm(adjoint(u), dx, v), apart(s * s)
    if full == NONE:
        return packed(in_kind(re(diagonal(inner)), x), rest, lead=x.ndim - 2)
    row, column = _row(s, x), _column(s, x)
    turn = quotient(off(inner * row + column * adjoint(inner)), between)
    other = quotient(off(column * inner + adjoint(inner) * row), between)
    if x.dtype.is_complex:
        across = diagonal(inner) - in_kind(re(diagonal(inner)), x)
        turn = turn + on_main(quotient(across, s))
    du, dv = mm(u, turn), mm(v, other)
    if m > k:
        du = du + quotient(_beside(u, mm(dx, v)), row)
    if n > k:
        dv = dv + quotient(_beside(v, mm(adjoint(dx), u)), row)
    if full == 1:
        du, dv = _padded(du, x.ndim - 1, m), _padded(dv, x.ndim - 1, n)
    return packed(du, in_kind(re(diagonal(inner)), x), adjoint(dv), rest, lead=x.ndim - 2)


def _samples(rng: Any, dtype: DType) -> Any:
    for shape in ((3, 3), (2, 4, 2), (2, 3), (1, 1), (0, 0), (2, 0), (0, 2, 2)):
        for full in (0, NONE):
            yield (sampled(rng, shape, dtype, 4.0),), {"full": full}


def _layout(size: int, xs: Sequence[Aval], *, full: int) -> list[int]:
    m, n = xs[0].shape[-2:]
    k, most = min(m, n), max(m, n)
    length = 4 * k * k + 7 * k + most + 64 * (m + n) + 1
    real = size // 2 if xs[0].dtype.is_complex else 0
    more = max(5 * k * k + 7 * k, 2 * most * k + 2 * k * k + k) + 1
    u, s, v = shapes(xs[0].shape, full)
    total = u[0] * u[1] + s[0] + v[0] * v[1] + 2
    room = [Piece(size * m * n), Piece(size * k), Piece(size * length), length, Piece(real * more), Piece(32 * k)]
    return [m, n, full, *room, total]


singular: Primitive = primitive(
    "singular",
    batch=spreading,
    lower=sizes(_layout, "singular", ("gesdd", "gesdd")),
    aval=_aval,
    ref=_ref,
    vjp=_vjp,
    jvp=_jvp,
    argnums=(0,),
    dtypes="fc",
    samples=_samples,
)
"""U, the singular values, descending, and Vᴴ with x = U S Vᴴ. Where singular values are equal, gradients of the vectors
are infinite or NaN; those of the values alone are not."""
