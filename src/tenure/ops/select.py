"""The user's reads and writes by index, in primitives.

An advanced index is a ``spec`` with its arrays and starts, ``at`` and ``unique`` (see ``ops.advanced``). Recorded
operands are in the order that recording has: tensors first, Python numbers last.
"""

from __future__ import annotations

from typing import Any

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError, following
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops import advanced, combine, division, index, move, pointwise
from tenure.ops.promote import as_index, fitted

WAYS: dict[str, Primitive] = {
    "set": advanced.scatter,
    "add": advanced.scatter_add,
    "multiply": combine.scatter_multiply,
    "max": combine.scatter_max,
    "min": combine.scatter_min,
}
"""The combination of a written element with the one that is there."""


def operands_of(spec: index.Spec, given: tuple[Value, ...]) -> list[Value]:
    """Arrays and, behind them, starts, in the order of the entries that take one."""
    count = spec.count("a")
    arrays, starts = iter(given[:count]), iter(given[count:])
    taken = [entry for entry in spec if entry not in (":", "+")]
    return [as_index(following(arrays if entry == "a" else starts)) for entry in taken]


def chosen(x: Value, *given: Value, spec: index.Spec, at: int, unique: bool, lead: tuple[int, ...] | None) -> Value:
    """x at an advanced index; ``lead`` is the shape that x is seen in, if not its own."""
    x = x if lead is None else move.reshape(x, shape=lead)
    return advanced.gather(x, *operands_of(spec, given), spec=spec, at=at, unique=unique)


def placed(
    x: Value, *given: Value, way: str, spec: index.Spec, at: int, unique: bool, lead: tuple[int, ...] | None
) -> Value:
    """x with v written at an advanced index; v stands behind the arrays."""
    count, shape = spec.count("a"), x.shape
    operands = operands_of(spec, (*given[:count], *given[count + 1 :]))
    base = x if lead is None else move.reshape(x, shape=lead)
    v = fitted(x, given[count], advanced.selected_shape(base.shape, operands, spec, at))
    ans = WAYS[way](base, v, *operands, spec=spec, at=at, unique=unique)
    return ans if lead is None else move.reshape(ans, shape=shape)


def masked(x: Value, mask: Value, v: Value, *, before: int) -> Value:
    """x with v where a mask over its axes from ``before`` on holds: v says the same for all that it selects."""
    behind = x.ndim - before - mask.ndim
    kept = move.reshape(mask, shape=(*mask.shape, *[1] * behind))
    if v.ndim > behind:
        if v.shape[v.ndim - behind - 1] != 1:
            raise ShapeError(f"a value of shape {list(v.shape)} has an element for each that the mask selects")
        cut = v.ndim - behind - 1
        v = move.reshape(v, shape=(*v.shape[:cut], *[1] * mask.ndim, *v.shape[cut + 1 :]))
    return pointwise.where(kept, fitted(x, v, x.shape), x)


def filled(x: Value, mask: Value, v: Value) -> Value:
    """x with v, which broadcasts to it, where a mask that broadcasts to it holds."""
    if mask.dtype is not dtypes.bool_:
        raise DTypeError(f"a mask of dtype {mask.dtype.name}", help="compare first: (x > 0) is a mask")
    return pointwise.where(move.broadcast_to(mask, shape=x.shape), fitted(x, v, x.shape), x)


def counting(x: Value, length: int, axis: int, ndim: int) -> Value:
    """0, 1, 2, … along an axis, of size 1 along the others."""
    count = x.builder.emit(move.iota, (), {"length": length, "dtype": dtypes.int64})
    return move.reshape(count, shape=tuple([length if k == axis else 1 for k in range(ndim)]))


def beside(x: Value, i: Value, axis: int, name: str) -> tuple[list[Value], dict[str, Any]]:
    """Index arrays for x[…, i[…, k, …], …] along one axis, of the part of x that i covers along the others."""
    if i.ndim != x.ndim:
        raise ShapeError(f"{name}: indices of {i.ndim} dimensions for a tensor of {x.ndim}")
    whole_numbers(i, name)
    arrays = [
        as_index(i) if k == axis else counting(x, x.shape[k] if n == 1 else n, k, x.ndim)
        for k, n in enumerate(i.shape)
    ]
    return arrays, {"spec": ("a",) * x.ndim, "at": 0, "unique": False}


def whole_numbers(i: Value, name: str) -> None:
    """TN802 for indices that are no whole numbers."""
    if i.dtype.kind not in "iu":
        raise DTypeError(f"{name}: indices of dtype {i.dtype.name}", help="indices are integers")


def along(x: Value, i: Value, *, axis: int) -> Value:
    """take_along_axis: the other axes of x and i broadcast together."""
    rest = [k for k in range(x.ndim) if k != axis]
    if i.ndim != x.ndim or any(x.shape[k] != i.shape[k] and 1 not in (x.shape[k], i.shape[k]) for k in rest):
        raise ShapeError(f"take_along_axis: indices of shape {list(i.shape)} for a tensor of shape {list(x.shape)}")
    whole_numbers(i, "take_along_axis")
    if any(x.shape[k] != i.shape[k] for k in rest):
        arrays = [as_index(i) if k == axis else counting(x, n, k, x.ndim) for k, n in enumerate(x.shape)]
        return advanced.gather(x, *arrays, spec=("a",) * x.ndim, at=0, unique=False)
    i, order = as_index(i), (*rest, axis)
    if axis == x.ndim - 1:
        return index.take_along(x, i)
    taken = index.take_along(move.permute(x, order=order), move.permute(i, order=order))
    return move.permute(taken, order=tuple([order.index(k) for k in range(x.ndim)]))


def covered(x: Value, i: Value, axis: int, name: str) -> None:
    """TN802 unless i is no larger than x along the axes but one."""
    if i.ndim == x.ndim and any(i.shape[k] > x.shape[k] for k in range(x.ndim) if k != axis):
        raise ShapeError(
            f"{name}: indices of shape {list(i.shape)} go beyond a tensor of shape {list(x.shape)}",
            help=f"along every axis but {axis} the indices are at most as many",
        )


def numbers(x: Value, i: Value) -> bool:
    """Whether x or i is a number, which PyTorch takes for a list of one beside a list."""
    return x.ndim < 2 and i.ndim < 2 and not (x.ndim and i.ndim)


def as_list(x: Value) -> Value:
    """A number as a list of one."""
    return x if x.ndim else move.reshape(x, shape=(1,))


def gathered(x: Value, i: Value, *, axis: int) -> Value:
    """PyTorch's gather: i covers the first part of x along the other axes."""
    if numbers(x, i):
        return move.reshape(gathered(as_list(x), as_list(i), axis=0), shape=i.shape)
    covered(x, i, axis, "gather")
    arrays, params = beside(x, i, axis, "gather")
    shaped = [a if k == axis else _first(a, k, i.shape[k]) for k, a in enumerate(arrays)]
    return advanced.gather(x, *shaped, **params)


def _first(count: Value, axis: int, length: int) -> Value:
    return count if count.shape[axis] == length else counting(count, length, axis, count.ndim)


def scattered(x: Value, i: Value, v: Value, *, axis: int, way: str, name: str) -> Value:
    """PyTorch's scatter: v, of which the part that i covers is taken, where gather would read."""
    if numbers(x, i):
        return move.reshape(scattered(as_list(x), as_list(i), v, axis=0, way=way, name=name), shape=x.shape)
    covered(x, i, axis, name)
    arrays, params = beside(x, i, axis, name)
    shaped = [a if k == axis else _first(a, k, i.shape[k]) for k, a in enumerate(arrays)]
    if not v.aval.weak and v.dtype is not x.dtype:
        raise other_dtype(name, v.dtype, x.dtype)
    if v.ndim not in (0, i.ndim):
        raise ShapeError(f"{name}: a value of shape {list(v.shape)} for indices of shape {list(i.shape)}")
    if v.ndim == i.ndim and v.shape != i.shape and v.ndim:
        if any(m < n for m, n in zip(v.shape, i.shape, strict=True)):
            raise ShapeError(f"{name}: a value of shape {list(v.shape)} for indices of shape {list(i.shape)}")
        zero = v.builder.constant(0, dtypes.int64)
        v = index.getitem(v, *[zero] * v.ndim, spec=tuple([(n, 1) for n in i.shape]))
    return WAYS[way](x, fitted(x, v, i.shape), *shaped, **params)


def other_dtype(name: str, found: DType, wanted: DType) -> DTypeError:
    """TN802 for what is written by a function that does not cast."""
    return DTypeError(
        f"{name}: values of dtype {found.name} for a tensor of dtype {wanted.name}",
        help=f"cast them: .to(tn.{wanted.name})",
    )


def put_along(x: Value, i: Value, v: Value, *, axis: int) -> Value:
    """NumPy's put_along_axis: the other axes of x and i broadcast together, v to the indices."""
    arrays, params = beside(x, i, axis, "put_along_axis")
    arrays = [
        a if k == axis else counting(x, n, k, x.ndim) for k, (a, n) in enumerate(zip(arrays, x.shape, strict=True))
    ]
    shape = advanced.block_of(params["spec"], arrays)
    return advanced.scatter(x, fitted(x, v, shape), *arrays, **params)


def diagonal(x: Value, *, offset: int, first: int, second: int) -> Value:
    """The elements x[…, k, …, k + offset, …], as the last axis."""
    above, below = max(offset, 0), max(-offset, 0)
    length = max(min(x.shape[first] - below, x.shape[second] - above), 0)
    starts = {first: below, second: above}
    spec = tuple([(length, 1) if k in starts else ":" for k in range(x.ndim)])
    ordered = [x.builder.constant(starts[k] if length else 0, dtypes.int64) for k in sorted(starts)]
    square = index.getitem(x, *ordered, spec=spec)
    count = counting(x, length, 0, 1)
    return advanced.gather(
        square,
        count,
        count,
        spec=tuple(["a" if k in starts else ":" for k in range(x.ndim)]),
        at=x.ndim - 2,
        unique=True,
    )


def within(i: Value, size: int) -> Value:
    """i, checked at the run to lie in an axis (TN801); negative numbers count from its end."""
    count = i.builder.emit(move.iota, (), {"length": size, "dtype": dtypes.int64})
    return advanced.take_rows(count, as_index(i))


def unravel(i: Value, *, shape: tuple[int, ...]) -> tuple[Value, ...]:
    """The index along each axis of positions in C order."""
    whole_numbers(i, "unravel_index")
    size = 1
    for n in shape:
        size *= n
    rest, out = within(i, size), []
    for n in reversed(shape):
        out.append(division.remainder(rest, rest.coerce(max(n, 1))))
        rest = division.floor_divide(rest, rest.coerce(max(n, 1)))
    return tuple(reversed(out))


def ravel(*indices: Value, shape: tuple[int, ...]) -> Value:
    """The position in C order of an index along each axis."""
    total: Value | None = None
    for i, n in zip(indices, shape, strict=True):
        whole_numbers(i, "ravel_multi_index")
        total = within(i, n) if total is None else total * n + within(i, n)
    assert total is not None
    return total


def identity_of(way: str, dtype: DType) -> float:
    """The element that the first one is combined with."""
    if way in ("add", "multiply"):
        return 0 if way == "add" else 1
    if dtype.kind == "f":
        return float("-inf") if way == "max" else float("inf")
    return dtype.range[way == "min"]
