"""The order of rows that exchanges, one after the other, lead to."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ops.batching import spreading
from tenure.ops.declare import primitive
from tenure.ops.lowering import Routine


def _aval(pivots: Aval, *, rows: int) -> Aval:
    if pivots.dtype is not dtypes.int32:
        raise DTypeError(f"lu_solve: pivots of dtype {pivots.dtype.name}, where int32 is wanted")
    if not pivots.ndim or pivots.shape[-1] > rows:
        raise ShapeError(f"lu_solve: pivots of shape {list(pivots.shape)} for {rows} rows")
    return Aval((*pivots.shape[:-1], rows), dtypes.int64)


def _ref(np: Any, pivots: Any, *, rows: int) -> Any:
    lead = pivots.shape[:-1]
    orders = np.tile(np.arange(rows), (prod(lead), 1))
    for order, own in zip(orders, pivots.reshape(prod(lead), pivots.shape[-1]), strict=True):
        for k, j in enumerate(own - 1):
            if 0 <= j < rows:
                order[[k, j]] = order[[j, k]]
    return orders.reshape(*lead, rows)


def _samples(rng: Any, dtype: DType) -> Any:
    kind = "int32" if dtype.kind == "i" else dtype.numpy
    for shape, rows in (((3,), 3), ((2, 2), 4), ((0,), 0), ((0, 2), 2)):
        yield (rng.integers(-1, rows + 2, shape).astype(kind),), {"rows": rows}


def _numbers(ans: Aval, xs: Sequence[Aval], *, rows: int) -> list[int]:
    return [prod(ans.shape[:-1]), xs[0].shape[-1], rows]


exchanges: Primitive = primitive(
    "exchanges",
    lower=Routine("exchanges", _numbers, lambda ans, xs: ans.size),
    aval=_aval,
    ref=_ref,
    vjp=NOT_DIFFERENTIABLE,
    jvp=NOT_DIFFERENTIABLE,
    argnums=(),
    batch=spreading,
    dtypes="i",
    samples=_samples,
)
"""The order of rows after exchanging row k with pivot k, counted from 1, for each k in turn."""
