"""Reductions over axes. ``axes`` is an ascending tuple of distinct non-negative ints; they are dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ir.program import TABLE, Value
from tenure.ops.batching import shift_axes
from tenure.ops.declare import REALS, claim, interval, linear, primitive
from tenure.ops.lowering import Fold, Search
from tenure.ops.move import broadcast_to, permute, reshape
from tenure.ops.order import CHUNK, GROUP, LANES, extent, runs
from tenure.ops.pointwise import ALL, NUMBERS, cast, equal, logical_or, not_equal
from tenure.ops.selection import Selection, times


def drop(x: Aval, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without the axes."""
    return tuple([n for k, n in enumerate(x.shape) if k not in axes])


def broadcast_back(g: Value, x: Value, axes: tuple[int, ...]) -> Value:
    """Give back the dropped axes, repeating along them."""
    kept = tuple([1 if k in axes else n for k, n in enumerate(x.shape)])
    return broadcast_to(reshape(g, shape=kept), shape=x.shape)


def ordered(np: Any, x: Any, axes: tuple[int, ...], ufunc: str = "add") -> Any:
    """The sum, or product, of floats in the order that ``compile.folds`` states: every way to run a program gives these
    bits."""
    fold = getattr(np, ufunc)
    kept = [n for k, n in enumerate(x.shape) if k not in axes]
    for run in runs(x.shape, axes):
        outer, n, inner = extent(x.shape, run)
        rest = [size for k, size in enumerate(x.shape) if k not in run]
        x = _row(np, x.reshape(outer, n), fold) if inner == 1 else _column(np, x.reshape(outer, n, inner), fold)
        x = x.reshape(rest)
    return np.array(x.reshape(kept))


def _parted(np: Any, x: Any, size: int, fold: Any) -> Any:
    """(outer, n, …) as (outer, parts, size, …), neutral elements behind the last."""
    n, neutral = x.shape[1], 1.0 if fold.identity else -0.0
    x = np.concatenate([x, np.full((len(x), -n % size, *x.shape[2:]), neutral, x.dtype)], 1)
    return x.reshape(len(x), -(-n // size), size, *x.shape[2:])


def _column(np: Any, x: Any, fold: Any) -> Any:
    """Reductions along the axis 1: each GROUP elements in order, then their results alike."""
    if x.shape[1] == 0:
        return np.full((len(x), *x.shape[2:]), fold.identity, x.dtype)
    while x.shape[1] > 1:
        parts = _parted(np, x, GROUP, fold)
        x = parts[:, :, 0]
        for k in range(1, GROUP):
            x = fold(x, parts[:, :, k])
    return x[:, 0]


def _row(np: Any, x: Any, fold: Any) -> Any:
    """Reductions of rows: of each GROUP times LANES elements by lanes, then of their results as columns; of chunks
    alike."""
    while x.shape[1] > CHUNK:
        parts = _parted(np, x, CHUNK, fold)
        x = _row(np, parts.reshape(-1, CHUNK), fold).reshape(parts.shape[:2])
    parts = _parted(np, x, GROUP * LANES, fold)
    lanes = _column(np, parts.reshape(-1, GROUP, LANES), fold)
    while lanes.shape[1] > 1:
        half = lanes.shape[1] // 2
        lanes = fold(lanes[:, :half], lanes[:, half:])
    return _column(np, lanes.reshape(parts.shape[:2]), fold)


def _total(np: Any, x: Any, *, axes: tuple[int, ...]) -> Any:
    return ordered(np, x, axes) if x.dtype.kind == "f" else np.sum(x, axis=axes, dtype=x.dtype)


def _samples(shapes: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]) -> Callable[..., Any]:
    def samples(rng: Any, dtype: DType) -> Any:
        for shape, axes in shapes:
            yield (REALS(rng, shape, dtype),), {"axes": axes}

    return samples


NONEMPTY = (((), ()), ((5,), (0,)), ((2, 3, 4), (1,)), ((3, 4), (0, 1)), ((2, 3, 2), (0, 2)), ((0, 3), (1,)))


def _sum_aval(x: Aval, *, axes: tuple[int, ...]) -> Aval:
    claim("sum", x.dtype, NUMBERS)
    return Aval(drop(x, axes), x.dtype)


reduce_sum = linear(
    "reduce_sum",
    lower=Fold("add"),
    batch=shift_axes("axes"),
    aval=_sum_aval,
    ref=_total,
    transpose=(lambda g, x, *, axes: broadcast_back(g, x, axes),),
    dtypes=NUMBERS,
    samples=_samples((*NONEMPTY, ((0, 3), (0,)))),
)


def _extremum(name: str, ufunc: str) -> Primitive:
    def aval(x: Aval, *, axes: tuple[int, ...]) -> Aval:
        if any(x.shape[k] == 0 for k in axes):
            raise ShapeError(
                f"{name[7:]} over an axis of size 0 has no value: shape {list(x.shape)}, axis {list(axes)}"
            )
        return Aval(drop(x, axes), x.dtype)

    def winners(ans: Value, x: Value, axes: tuple[int, ...]) -> Selection:
        """Each tied winner takes an equal share; where the result is NaN, the NaNs are the winners."""
        hit = logical_or(equal(x, broadcast_back(ans, x, axes)), not_equal(x, x))
        return Selection(hit, broadcast_back(1 / reduce_sum(cast(hit, dtype=x.dtype), axes=axes), x, axes))

    def vjp(g: Value, ans: Value, x: Value, *, axes: tuple[int, ...]) -> list[Value | None]:
        return [times(broadcast_back(g, x, axes), winners(ans, x, axes))]

    def jvp(dxs: Sequence[Value], ans: Value, x: Value, *, axes: tuple[int, ...]) -> Value:
        return reduce_sum(times(dxs[0], winners(ans, x, axes)), axes=axes)

    return primitive(
        name,
        lower=Fold(ufunc),
        batch=shift_axes("axes"),
        aval=aval,
        ref=lambda np, x, *, axes: getattr(np, ufunc)(x, axis=axes),
        vjp=vjp,
        jvp=jvp,
        argnums=(0,),
        dtypes=ALL,
        samples=_samples(NONEMPTY),
    )


def _product_aval(x: Aval, *, axes: tuple[int, ...]) -> Aval:
    claim("prod", x.dtype, NUMBERS)
    return Aval(drop(x, axes), x.dtype)


def _product(np: Any, x: Any, *, axes: tuple[int, ...]) -> Any:
    floats = x.dtype.kind == "f"
    return ordered(np, x, axes, "multiply") if floats else np.prod(x, axis=axes, dtype=x.dtype)


def others(x: Value, axes: tuple[int, ...]) -> Value:
    """For each element, the product of all others along axes: no division, so that zeros are numbers like others."""
    first = min(axes, default=0)
    order = (*range(first), *axes, *[k for k in range(first, x.ndim) if k not in axes])
    moved = x if order == tuple(range(x.ndim)) else permute(x, order=order)
    n = prod([x.shape[k] for k in axes])
    rows = reshape(moved, shape=(*moved.shape[:first], n, *moved.shape[first + len(axes) :]))
    before, behind = (TABLE["cumprod"](rows, axis=first, reverse=way, exclusive=True) for way in (False, True))
    found = reshape(before * behind, shape=moved.shape)
    return found if moved is x else permute(found, order=tuple([order.index(k) for k in range(x.ndim)]))


reduce_prod = primitive(
    "reduce_prod",
    lower=Fold("multiply"),
    batch=shift_axes("axes"),
    aval=_product_aval,
    ref=_product,
    vjp=lambda g, ans, x, *, axes: [times(broadcast_back(g, x, axes), others(x, axes))],
    jvp=lambda dxs, ans, x, *, axes: reduce_sum(times(dxs[0], others(x, axes)), axes=axes),
    argnums=(0,),
    dtypes=NUMBERS,
    samples=_samples((*NONEMPTY, ((0, 3), (0,)), ((4, 0, 3), (1,)), ((0,), (0,)))),
)
reduce_max = _extremum("reduce_max", "max")
reduce_min = _extremum("reduce_min", "min")


def _blocked(name: str, ufunc: str, of: Primitive) -> Primitive:
    def aval(x: Aval, *, axes: tuple[int, ...], block: int) -> Aval:
        of.aval(x, axes=axes)
        if block % 64:
            raise ShapeError(f"{name}: blocks of {block} elements, which is no multiple of 64")
        count = -(-extent(x.shape, axes)[1] // block)
        kept = [count if k == axes[-1] else n for k, n in enumerate(x.shape) if k not in axes[:-1]]
        return Aval(tuple(kept), x.dtype)

    def ref(np: Any, x: Any, *, axes: tuple[int, ...], block: int) -> Any:
        out = aval(Aval(x.shape, dtypes.as_dtype(x.dtype)), axes=axes, block=block)
        outer, n, inner = extent(x.shape, axes)
        starts = np.arange(0, n, block)
        return getattr(np, ufunc).reduceat(x.reshape(outer, n, inner), starts, 1, x.dtype).reshape(out.shape)

    def samples(rng: Any, dtype: DType) -> Any:
        for shape, axes in (((65,), (0,)), ((130, 3), (0,)), ((2, 5, 13, 2), (1, 2)), ((2, 192), (1,))):
            yield (REALS(rng, shape, dtype),), {"axes": axes, "block": 64}

    return primitive(
        name,
        lower=of.lower,
        batch=shift_axes("axes"),
        aval=aval,
        ref=ref,
        vjp=NOT_DIFFERENTIABLE,
        jvp=NOT_DIFFERENTIABLE,
        argnums=(),
        dtypes=of.dtypes,
        samples=samples,
    )


block_sum = _blocked("block_sum", "add", reduce_sum)
block_prod = _blocked("block_prod", "multiply", reduce_prod)
block_max = _blocked("block_max", "maximum", reduce_max)
block_min = _blocked("block_min", "minimum", reduce_min)
"""A reduction over neighbouring axes in blocks of their elements: one result per block in place of the axes.

The compiler makes them, from gradients' programs too, so they have no derivative of their own."""
BLOCKED = {reduce_sum: block_sum, reduce_prod: block_prod, reduce_max: block_max, reduce_min: block_min}


def _arg(name: str, function: str) -> Primitive:
    def aval(x: Aval, *, axis: int) -> Aval:
        if x.shape[axis] == 0:
            raise ShapeError(f"{name} over an axis of size 0 has no value: shape {list(x.shape)}, axis {axis}")
        return Aval(drop(x, (axis,)), dtypes.int64)

    return primitive(
        name,
        lower=Search(name[3:]),
        batch=shift_axes("axis"),
        aval=aval,
        ref=lambda np, x, *, axis: np.asarray(getattr(np, function)(x, axis=axis), np.int64),
        vjp=NOT_DIFFERENTIABLE,
        jvp=NOT_DIFFERENTIABLE,
        argnums=(),
        dtypes=ALL,
        samples=lambda rng, dtype: [
            ((interval(-3, 3)(rng, shape, dtype),), {"axis": axis}) for shape, axis in (((4,), 0), ((2, 3), 1))
        ],
    )


argmax = _arg("argmax", "argmax")
argmin = _arg("argmin", "argmin")
