"""Factors of a matrix by Gauss's elimination, and systems solved with them.

    factors x        C (lower) and V (upper, 1 on the diagonal) with x[:, p] = C V, as one matrix; pivots; p

LAPACK's LU of the transpose, whose matrices lie column by column: so nothing is transposed for a solution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import TABLE, Value
from tenure.ops import move
from tenure.ops.batching import examples, spread, spreading
from tenure.ops.complexes import conjugate
from tenure.ops.contract import transposed
from tenure.ops.declare import primitive
from tenure.ops.index import add_along, take_along
from tenure.ops.linear import parts
from tenure.ops.linear.parts import (
    Piece,
    adjoint,
    each,
    flat,
    lower,
    matrices,
    mm,
    packed,
    re,
    sampled,
    sizes,
    square,
    unpacked,
    upper,
)
from tenure.ops.linear.triangular import triangular
from tenure.ops.rearrange import part, shaped
from tenure.ops.selection import settled


def _aval(x: Aval) -> Aval:
    m, n = matrices("lu", x)
    return Aval((*x.shape[:-2], m * n + min(m, n) + n + 2), x.dtype)


def _eliminated(np: Any, x: Any) -> tuple[Any, list[int], list[int], int]:
    """The factors of a matrix as one, the columns exchanged, their order, and the first pivot that is 0, from 1."""
    x, (m, n) = x.copy(), x.shape
    order, swaps, info = list(range(n)), [], 0
    for k in range(min(m, n)):
        row = np.abs(x[k, k:].real) + np.abs(x[k, k:].imag)
        j = k + int(np.argmax(row))
        swaps.append(j)
        order[k], order[j] = order[j], order[k]
        x[:, [k, j]] = x[:, [j, k]]
        if x[k, k] == 0:
            info = info or k + 1
            continue
        x[k, k + 1 :] /= x[k, k]
        x[k + 1 :, k + 1 :] -= x[k + 1 :, k, None] * x[k, k + 1 :]
    return x, swaps, order, info


def _ref(np: Any, x: Any) -> Any:
    found = [_eliminated(np, a) for a in each(x)]
    rows = [flat((), x.dtype, a, s, p, (k, m if k else 0)) for m, (a, s, p, k) in enumerate(found)]
    return np.array(rows, x.dtype).reshape(*x.shape[:-2], _aval(Aval(x.shape, dtypes.as_dtype(x.dtype))).shape[-1])


def order_of(ans: Value, shape: tuple[int, int]) -> Value:
    """The order of columns (int64)."""
    m, n = shape
    return TABLE["cast"](re(part(ans, ans.ndim - 1, m * n + min(m, n), n)), dtype=dtypes.int64)


def columns(x: Value, order: Value) -> Value:
    """Columns of matrices in an order."""
    return take_along(x, _for_rows(order, x))


def placed(x: Value, order: Value) -> Value:
    """Columns that are in an order where they were."""
    zeros = x.zeros()
    return add_along(zeros, x, _for_rows(order, x))


def _for_rows(order: Value, x: Value) -> Value:
    return move.broadcast_to(shaped(order, (*order.shape[:-1], 1, order.shape[-1])), shape=x.shape)


def _right(v: Value, y: Value) -> Value:
    """y V⁻¹."""
    return adjoint(triangular(v, adjoint(y), upper=True, adjoint=True, unit=True))


def _right_adjoint(v: Value, y: Value) -> Value:
    """y V⁻ᴴ."""
    return adjoint(triangular(v, adjoint(y), upper=True, adjoint=False, unit=True))


def _unit(v: Value) -> Value:
    return upper(v, 1) + parts.eye(v, v.shape[-1])


def _left(c: Value, y: Value, turned: bool = False) -> Value:
    """C⁻¹ y, or C⁻ᴴ y."""
    return triangular(c, y, upper=False, adjoint=turned, unit=False)


def _cut(x: Value, axis: int, k: int) -> tuple[Value, Value]:
    """The first k along an axis, and the rest."""
    axis += x.ndim
    return part(x, axis, 0, k), part(x, axis, k, x.shape[axis] - k)


def _jvp(dxs: Sequence[Value | None], ans: Value, x: Value) -> Value:
    (dx,) = parts.tangents(dxs)
    assert dx is not None
    (m, n), k = x.shape[-2:], min(x.shape[-2:])
    (f,) = unpacked(ans, (m, n))
    dx = columns(dx, order_of(ans, (m, n)))
    head, wide = _cut(_cut(f, -2, k)[0], -1, k)
    first, more = _cut(_cut(dx, -2, k)[0], -1, k)
    inner = _right(head, _left(head, first))
    dc, dv = mm(lower(head), lower(inner)), mm(upper(inner, 1), _unit(head))
    found = dc + dv
    if n > k:
        found = move.concat(found, _left(head, more - mm(dc, wide)), axis=x.ndim - 1)
    if m > k:
        below, change = _cut(f, -2, k)[1], _cut(dx, -2, k)[1]
        found = move.concat(found, _right(head, change - mm(below, dv)), axis=x.ndim - 2)
    rest = ans.builder.full((*ans.shape[:-1], ans.shape[-1] - m * n), 0, ans.dtype)
    return packed(found, rest, lead=x.ndim - 2)


def _vjp(g: Value, ans: Value, x: Value) -> list[Value | None]:
    (m, n), k = x.shape[-2:], min(x.shape[-2:])
    code = parts.code_of(part(ans, ans.ndim - 1, ans.shape[-1] - 2, 2))
    (f,), (g,) = unpacked(ans, (m, n)), unpacked(settled(g), (m, n))
    head, wide = _cut(_cut(f, -2, k)[0], -1, k)
    own, more = _cut(_cut(g, -2, k)[0], -1, k)
    gc, gv = lower(own), upper(own, 1)
    if n > k:
        more = _left(head, more, turned=True)
        gc = gc - mm(more, adjoint(wide))
    if m > k:
        below, rows = _cut(f, -2, k)[1], _right_adjoint(head, _cut(g, -2, k)[1])
        gv = gv - mm(adjoint(below), rows)
    inner = lower(mm(adjoint(lower(head)), gc)) + upper(mm(gv, adjoint(_unit(head))), 1)
    found = _left(head, _right_adjoint(head, inner), turned=True)
    if n > k:
        found = move.concat(found, more, axis=x.ndim - 1)
    if m > k:
        found = move.concat(found, rows, axis=x.ndim - 2)
    return [placed(parts.regular(found, code), order_of(ans, (m, n)))]


def _samples(rng: Any, dtype: DType) -> Any:
    for shape in ((3, 3), (2, 4, 4), (1, 1), (2, 4), (4, 2), (2, 1, 2, 3), (0, 0), (0, 2, 2), (2, 0)):
        yield (sampled(rng, shape, dtype),), {}


def _layout(size: int, xs: Sequence[Aval]) -> list[int]:
    m, n = xs[0].shape[-2:]
    return [m, n, Piece(4 * min(m, n)), Piece(8 * n)]


factors: Primitive = primitive(
    "factors",
    batch=spreading,
    lower=sizes(_layout, "factors", ("getrf", "getrf")),
    aval=_aval,
    ref=_ref,
    vjp=_vjp,
    jvp=_jvp,
    argnums=(0,),
    dtypes="fc",
    samples=_samples,
)


def _solved_aval(a: Aval, known: Aval, rows: Aval, *, turned: bool) -> Aval:
    n = square("solve", a)
    if a.dtype is not rows.dtype or a.dtype is not known.dtype:
        raise DTypeError(f"solve: dtypes {a.dtype.name} and {rows.dtype.name} need a cast")
    if rows.ndim != a.ndim or rows.shape[-1] != n or rows.shape[:-2] != a.shape[:-2]:
        raise ShapeError(f"solve: shapes {list(a.shape)} and {list(rows.shape)} do not agree")
    if known.shape != _aval(a).shape:
        raise ShapeError(f"solve: factors of shape {list(known.shape)} of matrices of shape {list(a.shape)}")
    return rows


def _solution(np: Any, a: Any, known: Any, rows: Any, *, turned: bool) -> Any:
    a = a.swapaxes(-1, -2) if turned else a
    return np.ascontiguousarray(np.linalg.solve(a, rows.swapaxes(-1, -2)).swapaxes(-1, -2))


def _solved_vjp(g: Value, ans: Value, a: Value, known: Value, rows: Value, *, turned: bool) -> list[Value | None]:
    back = conjugate(solved(a, known, conjugate(settled(g)), turned=not turned))
    if not a.builder.tracked[a.id]:
        return [None, back]
    far = conjugate(ans)
    return [-(mm(transposed(far), back) if turned else mm(transposed(back), far)), back]


def _solved_jvp(
    dxs: Sequence[Value | None], ans: Value, a: Value, known: Value, rows: Value, *, turned: bool
) -> Value:
    da, change = parts.tangents(dxs)
    if da is not None:
        moved = mm(ans, da if turned else transposed(da))
        change = -moved if change is None else change - moved
    assert change is not None
    return solved(a, known, change, turned=turned)


def _solved_batch(
    of: Primitive, batched: Sequence[bool], a: Value, known: Value, rows: Value, *, turned: bool
) -> Value:
    """Examples of matrices have factors of their own."""
    if batched[0] != batched[1]:
        a = spread(a, batched[0], examples(batched, (a, known, rows)))
        known, batched = factors(a), (True, True, batched[2])
    return spreading(of, batched, a, known, rows, turned=turned)


def _solved_samples(rng: Any, dtype: DType) -> Any:
    for shape, count in (((3, 3), 2), ((2, 4, 4), 1), ((0, 0), 2), ((2, 2), 0)):
        for turned in (False, True):
            a = sampled(rng, shape, dtype, 7.0)
            known = _ref(numpy, a) if dtype.kind in "fc" else sampled(rng, (*shape[:-2], 1, 2), dtype)
            yield (a, known, sampled(rng, (*shape[:-2], count, shape[-1]), dtype)), {"turned": turned}


def _solved_layout(size: int, xs: Sequence[Aval], *, turned: bool) -> list[int]:
    n = xs[0].shape[-1]
    return [n, xs[2].shape[-2], turned, Piece(4 * n)]


solved: Primitive = primitive(
    "solved",
    batch=_solved_batch,
    lower=sizes(_solved_layout, "solved", ("getrs", "getrs")),
    aval=_solved_aval,
    ref=_solution,
    vjp=_solved_vjp,
    jvp=_solved_jvp,
    argnums=(0, 2),
    dtypes="fc",
    samples=_solved_samples,
)
"""Rows x with a x = b for each row b, or aᵀ x = b where ``turned``; ``known`` are the factors of a, and no more than
that: the derivative is that of the solution."""
