"""Solutions of triangular systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops.batching import spreading
from tenure.ops.declare import primitive
from tenure.ops.linear import parts
from tenure.ops.linear.parts import adjoint as turned
from tenure.ops.linear.parts import matrices, mm, sampled, sizes, square
from tenure.ops.selection import settled


def _aval(a: Aval, b: Aval, *, upper: bool, adjoint: bool, unit: bool) -> Aval:
    n = square("solve_triangular", a)
    m, _ = matrices("solve_triangular", b)
    if a.dtype is not b.dtype:
        raise DTypeError(f"solve_triangular: dtypes {a.dtype.name} and {b.dtype.name} need a cast")
    if n != m or a.shape[:-2] != b.shape[:-2]:
        raise ShapeError(f"solve_triangular: shapes {list(a.shape)} and {list(b.shape)} do not agree")
    return b


def _taken(a: Value, upper: bool, unit: bool) -> Value:
    """The triangle that is read."""
    return (parts.upper if upper else parts.lower)(a, (1 if upper else -1) if unit else 0)


def _ref(np: Any, a: Any, b: Any, *, upper: bool, adjoint: bool, unit: bool) -> Any:
    n = a.shape[-1]
    a = (np.triu if upper else np.tril)(a)
    if unit:
        a = np.where(np.eye(n, dtype=bool), np.ones((), a.dtype), a)
    if adjoint:
        a, upper = a.conj().swapaxes(-1, -2), not upper
    x = b.copy()
    for k in reversed(range(n)) if upper else range(n):
        known = slice(k + 1, n) if upper else slice(0, k)
        rest = x[..., k, :] - (a[..., k, None, known] @ x[..., known, :])[..., 0, :]
        x[..., k, :] = rest / a[..., k, k, None]
    return x


def _vjp(g: Value, ans: Value, a: Value, b: Value, *, upper: bool, adjoint: bool, unit: bool) -> list[Value | None]:
    db = triangular(a, settled(g), upper=upper, adjoint=not adjoint, unit=unit)
    if not a.builder.tracked[a.id]:
        return [None, db]
    da = mm(ans, turned(db)) if adjoint else mm(db, turned(ans))
    return [-_taken(da, upper, unit), db]


def _jvp(
    dxs: Sequence[Value | None], ans: Value, a: Value, b: Value, *, upper: bool, adjoint: bool, unit: bool
) -> Value:
    da, db = parts.tangents(dxs)
    if da is not None:
        da = _taken(da, upper, unit)
        moved = mm(turned(da) if adjoint else da, ans)
        db = -moved if db is None else db - moved
    assert db is not None
    return triangular(a, db, upper=upper, adjoint=adjoint, unit=unit)


def _samples(rng: Any, dtype: DType) -> Any:
    flags = [(u, t, d) for u in (False, True) for t in (False, True) for d in (False, True)]
    for k, (upper, adjoint, unit) in enumerate(flags):
        lead = ((), (2,))[k % 2]
        params = {"upper": upper, "adjoint": adjoint, "unit": unit}
        yield (sampled(rng, (*lead, 3, 3), dtype, 7.0), sampled(rng, (*lead, 3, 2), dtype)), params
    for shape, right in (((0, 0), (0, 2)), ((2, 2), (2, 0)), ((0, 2, 2), (0, 2, 1))):
        params = {"upper": False, "adjoint": False, "unit": False}
        yield (sampled(rng, shape, dtype, 7.0), sampled(rng, right, dtype)), params


def _layout(size: int, xs: Sequence[Aval], *, upper: bool, adjoint: bool, unit: bool) -> list[int]:
    return [*xs[1].shape[-2:], upper, adjoint, unit]


triangular: Primitive = primitive(
    "triangular",
    batch=spreading,
    lower=sizes(_layout, "triangular", ("trsm", "trsm")),
    aval=_aval,
    ref=_ref,
    vjp=_vjp,
    jvp=_jvp,
    argnums=(0, 1),
    dtypes="fc",
    samples=_samples,
)
"""x with a x = b, or aᴴ x = b with ``adjoint``, where of a one triangle counts; with ``unit`` its diagonal is 1."""
