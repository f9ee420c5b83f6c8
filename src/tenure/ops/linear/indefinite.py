"""Factors of symmetric and Hermitian matrices that may be indefinite, by the pivoting of Bunch and Kaufman (1977), and
systems solved with them.

    indefinite x     L and D with P x Pᵀ = L D Lᵀ (or Lᴴ), D of blocks of 1 and 2, as one matrix, transposed; pivots
    divided k, rows  rows x with a x = b for each row b, k the factors of a, transposed, and behind them the pivots

Both are LAPACK's: its matrices lie column by column, so the factors of the lower triangle are those of a transpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, GradientError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ir.program import Value
from tenure.ops.batching import spreading
from tenure.ops.complexes import conjugate
from tenure.ops.contract import transposed
from tenure.ops.declare import primitive
from tenure.ops.linear import parts
from tenure.ops.linear.parts import Piece, each, flat, packed, re, sampled, sizes, square, unpacked
from tenure.ops.linear.systems import beside, fits, info_of, report, spread
from tenure.ops.promote import as_type
from tenure.ops.rearrange import part, shaped
from tenure.ops.selection import settled

GROWTH = (1 + 17**0.5) / 8
"""From which share of the largest element of its column an element of the diagonal is a pivot."""


def _aval(x: Aval, *, hermitian: bool) -> Aval:
    n = square("ldl_factor", x)
    return Aval((*x.shape[:-2], n * n + n + 2), x.dtype)


def _size(x: Any) -> Any:
    return numpy.abs(x.real) + numpy.abs(x.imag)


def _pivot(x: Any, k: int) -> tuple[int, int, bool]:
    """The row to exchange, the size of the block, and whether there is a pivot at all."""
    own, below = _size(x[k, k]), _size(x[k + 1 :, k])
    most, j = (below.max(), k + 1 + int(below.argmax())) if below.size else (0.0, k)
    if max(own, most) == 0:
        return k, 1, False
    if own >= GROWTH * most:
        return k, 1, True
    row = _size(x[k:, j])
    row[j - k] = 0
    if own * row.max() >= GROWTH * most * most:
        return k, 1, True
    return j, 1 if _size(x[j, j]) >= GROWTH * row.max() else 2, True


def _eliminated(x: Any, hermitian: bool) -> tuple[Any, list[int], int]:
    """The factors of the matrix whose lower triangle x has, its pivots, and the first one that is 0, from 1."""
    turn = numpy.conj if hermitian else numpy.asarray
    low = numpy.tril(x, -1)
    a = low + turn(low.T) + numpy.diag(x.diagonal().real if hermitian else x.diagonal())
    n, k, pivots, info = len(a), 0, list[int](), 0
    while k < n:
        j, wide, found = _pivot(a, k)
        here, after = k + wide - 1, k + wide
        own, rest = a[k:, k:], slice(after, None)
        own[[here - k, j - k]] = own[[j - k, here - k]]
        own[:, [here - k, j - k]] = own[:, [j - k, here - k]]
        if found:
            w = a[rest, k:after] @ numpy.linalg.inv(a[k:after, k:after])
            a[rest, rest] -= w @ turn(a[rest, k:after]).T
            a[rest, k:after] = w
        info = info or (0 if found else k + 1)
        pivots += [(j + 1) * (1 if wide == 1 else -1)] * wide
        k = after
    return numpy.tril(a), pivots, info


def _ref(np: Any, x: Any, *, hermitian: bool) -> Any:
    found = [_eliminated(a.T, hermitian) for a in each(x)]
    rows = [flat((), x.dtype, a.T, p, (k, m if k else 0)) for m, (a, p, k) in enumerate(found)]
    n = x.shape[-1]
    return np.array(rows, x.dtype).reshape(*x.shape[:-2], n * n + n + 2)


def _samples(rng: Any, dtype: DType) -> Any:
    for shape in ((3, 3), (2, 4, 4), (1, 1), (2, 1, 2, 2), (0, 0), (0, 2, 2)):
        for hermitian in (False, True):
            yield (sampled(rng, shape, dtype),), {"hermitian": hermitian}


def _layout(size: int, xs: Sequence[Aval], *, hermitian: bool) -> list[int]:
    n = xs[0].shape[-1]
    length = 64 * max(n, 1)
    return [n, hermitian, Piece(4 * n), Piece(size * length), length]


indefinite: Primitive = primitive(
    "indefinite",
    batch=spreading,
    lower=sizes(_layout, "indefinite", ("sytrf", "sytrf or hetrf")),
    aval=_aval,
    ref=_ref,
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    dtypes="fc",
    samples=_samples,
)


def _divided_aval(known: Aval, rows: Aval, *, hermitian: bool) -> Aval:
    k, n = rows.shape[-2:]
    if known.dtype is not rows.dtype:
        raise DTypeError(f"ldl_solve: dtypes {known.dtype.name} and {rows.dtype.name} need a cast")
    parts.matrices("ldl_solve", rows)
    if known.shape != (*rows.shape[:-2], n * (n + 1)):
        raise ShapeError(f"ldl_solve: factors of shape {list(known.shape)} for rows of shape {list(rows.shape)}")
    return Aval((*rows.shape[:-2], k * n + 2), rows.dtype)


def _wrong(pivots: list[int]) -> int:
    """The first pivot, from 1, that is no row or has no second one beside it; 0 if all are right."""
    k, n = 0, len(pivots)
    while k < n:
        wide = 1 if pivots[k] > 0 else 2
        for at in range(k, k + wide):
            if at >= n or not 0 < abs(pivots[at]) <= n or (wide == 2) != (pivots[at] < 0):
                return min(at, n - 1) + 1
        k += wide
    return 0


def _solution(low: Any, pivots: list[int], b: Any, hermitian: bool) -> Any:
    """The columns of unknowns, given the factors: D and L from above, then Lᵀ from below."""
    turn, n, k = (numpy.conj if hermitian else numpy.asarray), len(pivots), 0
    while k < n:
        wide = 1 if pivots[k] > 0 else 2
        here, after = k + wide - 1, k + wide
        j = abs(pivots[here]) - 1
        b[[here, j]] = b[[j, here]]
        b[after:] -= low[after:, k:after] @ b[k:after]
        block = numpy.tril(low[k:after, k:after])
        block = block + turn(numpy.tril(block, -1).T)
        b[k:after] = numpy.linalg.inv(block) @ b[k:after]
        k = after
    while k > 0:
        wide = 1 if pivots[k - 1] > 0 else 2
        b[k - wide : k] -= turn(low[k:, k - wide : k]).T @ b[k:]
        j = abs(pivots[k - 1]) - 1
        b[[k - 1, j]] = b[[j, k - 1]]
        k -= wide
    return b


def _divided_ref(np: Any, known: Any, rows: Any, *, hermitian: bool) -> Any:
    n, found = rows.shape[-1], []
    lists = known.reshape(prod(known.shape[:-1]), n * (n + 1))
    for m, (factors, b) in enumerate(zip(lists, each(rows), strict=True)):
        pivots = [int(p) for p in factors[n * n :].real]
        wrong = _wrong(pivots)
        x = np.zeros_like(b) if wrong else _solution(factors[: n * n].reshape(n, n).T, pivots, b.T.copy(), hermitian).T
        found.append(flat((), rows.dtype, x, (wrong, m if wrong else 0)))
    return np.array(found, rows.dtype).reshape(*rows.shape[:-2], rows.shape[-2] * n + 2)


def _solved(known: Value, rows: Value, hermitian: bool) -> Value:
    (found,) = unpacked(divided(known, rows, hermitian=hermitian), rows.shape[-2:])
    return found


def _with_report(x: Value, ans: Value) -> Value:
    lead = x.ndim - 2
    return packed(x, ans.builder.full((*ans.shape[:-1], 2), 0, ans.dtype), lead=lead)


def _divided_vjp(g: Value, ans: Value, known: Value, rows: Value, *, hermitian: bool) -> list[Value | None]:
    (g,) = unpacked(settled(g), rows.shape[-2:])
    return [_solved(known, g, True) if hermitian else conjugate(_solved(known, conjugate(g), False))]


def _divided_jvp(dxs: Sequence[Value | None], ans: Value, known: Value, rows: Value, *, hermitian: bool) -> Value:
    (dx,) = parts.tangents(dxs)
    assert dx is not None
    return _with_report(_solved(known, dx, hermitian), ans)


def _divided_samples(rng: Any, dtype: DType) -> Any:
    for shape, count in (((3, 3), 2), ((2, 4, 4), 1), ((0, 0), 2), ((2, 2), 0)):
        for hermitian in (False, True):
            n = shape[-1]
            a = sampled(rng, shape, dtype, 1.0)
            known = _ref(numpy, a, hermitian=hermitian) if dtype.kind in "fc" else sampled(rng, (n, n), dtype)
            rows = sampled(rng, (*shape[:-2], count, n), dtype)
            yield (known[..., : n * (n + 1)], rows), {"hermitian": hermitian}


def _divided_layout(size: int, xs: Sequence[Aval], *, hermitian: bool) -> list[int]:
    k, n = xs[1].shape[-2:]
    return [n, k, hermitian, Piece(4 * n)]


divided: Primitive = primitive(
    "divided",
    batch=spreading,
    lower=sizes(_divided_layout, "divided", ("sytrs", "sytrs or hetrs"), of=1),
    aval=_divided_aval,
    ref=_divided_ref,
    vjp=_divided_vjp,
    jvp=_divided_jvp,
    argnums=(1,),
    dtypes="fc",
    samples=_divided_samples,
)
"""The rows of unknowns, and a report: the first pivot that is none. The factors have no derivative."""


def _without_gradient(x: Value, name: str) -> None:
    """GradientError (TN802) where a gradient is wanted of what has none."""
    if x.builder.tracked[x.id]:
        raise GradientError(
            f"{name}: factors of an indefinite matrix have no gradient",
            help="take tn.linalg.solve, whose solution has one, or detach the matrix: x.detach()",
        )


def ldl_factor(a: Value, *, hermitian: bool, check: bool, name: str = "ldl_factor") -> tuple[Value, Value, Value]:
    """L and D as one matrix, the pivots counted from 1 (int32), and what LAPACK reports."""
    n = square(name, a.aval)
    _without_gradient(a, name)
    known = indefinite(transposed(a), hermitian=hermitian)
    found, pivots = unpacked(known, (n, n), (n,))
    found = transposed(found)
    found = parts.regular(found, report(known)) if check else found
    return found, as_type(re(pivots), dtypes.int32), info_of(known)


def ldl_solve(found: Value, pivots: Value, b: Value, *, hermitian: bool) -> Value:
    """The solution of a system, given L and D as one matrix and the pivots."""
    n = square("ldl_solve", found.aval)
    _without_gradient(found, "ldl_solve")
    if pivots.shape != found.shape[:-1]:
        raise ShapeError(f"ldl_solve: factors of shape {list(found.shape)} and pivots of shape {list(pivots.shape)}")
    if pivots.dtype is not dtypes.int32:
        raise DTypeError(f"ldl_solve: pivots of dtype {pivots.dtype.name}, where int32 is wanted")
    pivots = shaped(as_type(pivots, found.dtype), (*pivots.shape, 1))
    found, b = beside("ldl_solve", found, b)
    fits("ldl_solve", found, b)
    if not n:
        return b
    lead = found.shape[:-2]
    pivots = part(spread(as_type(pivots, found.dtype), lead), found.ndim - 1, 0, 1)
    known = packed(transposed(found), pivots, lead=found.ndim - 2)
    rows = transposed(b)
    ans = divided(known, rows, hermitian=hermitian)
    return transposed(parts.paired(unpacked(ans, rows.shape[-2:])[0], report(ans)))
