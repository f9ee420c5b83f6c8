"""The user's operations in primitives: promotion of dtypes, weak Python scalars, defaults.

These functions take and give builder values, as primitives do; each is one recorded operation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tenure import dtypes
from tenure.dtypes import DType, promote, promote_scalar
from tenure.errors import DTypeError, ShapeError
from tenure.ir.parts import narrowed
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops import contract, index, move, pointwise, reduce

SUMMED = {"b": dtypes.default_int, "i": dtypes.default_int, "u": dtypes.uint64}
"""The dtype of sums, by the kind of the summands."""
DEFAULTS = {
    "b": dtypes.bool_,
    "i": dtypes.default_int,
    "f": dtypes.default_float,
    "c": dtypes.default_complex,
}
"""The dtype of a Python number that meets no tensor, by its kind."""
PYTHON_TYPES: dict[str, type] = {"b": bool, "i": int, "f": float, "c": complex}


def as_type(x: Value, dtype: DType) -> Value:
    """Cast where the dtype differs."""
    if x.aval.weak and dtype.kind == "h":
        return narrowed(pointwise.cast(x, dtype=dtype.parts), dtype, weak=True)
    return x if x.dtype is dtype and not x.aval.weak else pointwise.cast(x, dtype=dtype)


def as_index(i: Value) -> Value:
    """Whole numbers as int64; those that it does not hold as the largest that it does, which is outside every axis."""
    if i.dtype is dtypes.uint64:
        i = pointwise.minimum(i, i.coerce(dtypes.int64.range[1]))
    return as_type(i, dtypes.int64)


def common(*xs: Value) -> list[Value]:
    """The operands in their promoted dtype; Python scalars are weak, alone they have the default of their kind."""
    strong = [x.dtype for x in xs if not x.aval.weak] or [DEFAULTS[x.dtype.kind] for x in xs]
    dtype = strong[0]
    for other in strong[1:]:
        dtype = promote(dtype, other)
    for x in xs:
        if x.aval.weak:
            dtype = promote_scalar(dtype, PYTHON_TYPES[x.dtype.kind])
    return [as_type(x, dtype) for x in xs]


def floating(x: Value) -> Value:
    """Whole numbers and bools as the default float."""
    return x if x.dtype.has_gradient and not x.aval.weak else as_type(x, dtypes.default_float)


Function = Callable[..., Any]


class Operation:
    """A recorded operation: a function of builder values with the name that users and messages know it by.

    ``grad_name`` is what PyTorch's ``grad_fn`` calls it (MulBackward0), or a function of the operands' kinds that says
    it. ``is_composite`` says that it is made of many.
    """

    __slots__ = ("function", "grad_name", "is_composite", "name")

    def __init__(self, name: str, function: Function, grad_name: str | Callable[..., str] | None = None) -> None:
        self.name = name
        self.function = function
        self.grad_name = grad_name or f"{name.title().replace('_', '')}Backward0"
        self.is_composite = False

    def __call__(self, *operands: Value, **params: Any) -> Any:
        return self.function(*operands, **params)

    def __repr__(self) -> str:
        return self.name


@lru_cache(maxsize=4096, typed=True)
def parameters(names: tuple[str, ...], *values: Any) -> tuple[tuple[str, Any], ...]:
    """The parameters of an operation by their names; the same object for the same values, by which the recorder knows
    a step without comparing them."""
    return tuple(zip(names, values, strict=True))


def arithmetic(name: str, on_numbers: Primitive, on_bools: Primitive | None, grad_name: str) -> Operation:
    """A binary operation on promoted operands; on bools it is the logical one, where there is one."""

    def function(x: Value, y: Value) -> Value:
        x, y = common(x, y)
        if x.dtype.kind != "b":
            return on_numbers(x, y)
        if on_bools is None:
            raise DTypeError(f"{name} is not defined for bool", help="use ^ for exclusive or, or cast to a number")
        return on_bools(x, y)

    return Operation(name, function, grad_name)


def elementary(name: str, prim: Primitive, grad_name: str) -> Operation:
    """A unary function of real numbers; whole numbers become the default float."""
    return Operation(name, lambda x: prim(floating(x)), grad_name)


def true_divide(x: Value, y: Value) -> Value:
    """x / y; whole numbers become the default float."""
    x, y = common(x, y)
    return pointwise.divide(floating(x), floating(y))


def choose(c: Value, x: Value, y: Value) -> Value:
    """The primitive ``where`` on a condition and promoted x and y."""
    return pointwise.where(c, *common(x, y))


def keep(ans: Value, x: Value, axes: tuple[int, ...], keepdims: bool) -> Value:
    """Give back reduced axes as size 1 where asked."""
    if not keepdims:
        return ans
    return move.reshape(ans, shape=tuple([1 if k in axes else n for k, n in enumerate(x.shape)]))


def accumulated(dtype: DType) -> DType:
    """The dtype of sums and products: 64 bits for bools and integers, without sign for unsigned ones (array API,
    2024.12)."""
    return SUMMED.get(dtype.kind, dtype)


def total(x: Value, *, axes: tuple[int, ...], keepdims: bool, dtype: DType | None = None) -> Value:
    """The sum; bools and integers are summed in 64 bits, unsigned ones without sign (array API, 2024.12)."""
    x = as_type(x, accumulated(x.dtype) if dtype is None else dtype)
    return keep(reduce.reduce_sum(x, axes=axes), x, axes, keepdims)


def average(x: Value, *, axes: tuple[int, ...], keepdims: bool) -> Value:
    """The arithmetic mean of real numbers."""
    if not x.dtype.has_gradient:
        raise DTypeError(f"mean of {x.dtype.name} has no dtype of its own", help="cast first: x.to(tn.float32).mean()")
    count = 1
    for k in axes:
        count *= x.shape[k]
    mean = reduce.reduce_sum(x, axes=axes) / count
    return keep(mean, x, axes, keepdims)


def extremum(prim: Primitive) -> Function:
    """max and min over axes."""
    return lambda x, *, axes, keepdims: keep(prim(x, axes=axes), x, axes, keepdims)


def quantified(prim: Primitive, x: Value, axes: tuple[int, ...], keepdims: bool, empty: bool) -> Value:
    """all and any over axes; over no element, all holds and any does not."""
    x = as_type(x, dtypes.bool_)
    if any(x.shape[k] == 0 for k in axes):
        shape = tuple([n for k, n in enumerate(x.shape) if k not in axes])
        return keep(x.builder.full(shape, empty, dtypes.bool_), x, axes, keepdims)
    return keep(prim(x, axes=axes), x, axes, keepdims)


def arg(prim: Primitive) -> Function:
    """argmax and argmin, over one axis or over all."""

    def function(x: Value, *, axis: int | None, keepdims: bool) -> Value:
        flat = move.reshape(x, shape=(x.aval.size,)) if axis is None else x
        axes = tuple(range(x.ndim)) if axis is None else (axis,)
        return keep(prim(flat, axis=axis or 0), x, axes, keepdims)

    return function


def product(x: Value, y: Value) -> Value:
    """matmul with NumPy's rules for 1-dimensional operands."""
    x, y = common(x, y)
    if x.ndim == 0 or y.ndim == 0:
        raise ShapeError("matmul: a 0-dimensional operand has no axis to contract", help="use * for a scalar")
    rows = move.reshape(x, shape=(1, *x.shape)) if x.ndim == 1 else x
    columns = move.reshape(y, shape=(*y.shape, 1)) if y.ndim == 1 else y
    if rows.shape[-1] != columns.shape[-2]:
        raise ShapeError(
            f"matmul: {list(x.shape)} @ {list(y.shape)}: the last axis of the left ({rows.shape[-1]}) must "
            f"equal the {'only' if y.ndim == 1 else 'last but one'} axis of the right ({columns.shape[-2]})"
        )
    ans = contract.product(rows, columns)
    shape = list(ans.shape)
    if y.ndim == 1:
        del shape[-1]
    if x.ndim == 1:
        del shape[-1 if y.ndim == 1 else -2]
    return ans if len(shape) == ans.ndim else move.reshape(ans, shape=tuple(shape))


def affine(x: Value, weight: Value) -> Value:
    """x @ weight.T, or x @ weight of a vector."""
    x, weight = common(x, weight)
    if weight.ndim == 2 and x.ndim > 1 and x.shape[-1] == weight.shape[1]:
        return contract.by_rows(x, weight)
    return product(x, contract.transposed(weight) if weight.ndim == 2 else weight)


def join(*xs: Value, axis: int) -> Value:
    """concat of promoted operands."""
    return move.concat(*common(*xs), axis=axis)


def pile(*xs: Value, axis: int) -> Value:
    """stack: join along a new axis."""
    xs = tuple(common(*xs))
    first = xs[0].shape
    for x in xs[1:]:
        if x.shape != first:
            raise ShapeError(f"stack: shapes {list(first)} and {list(x.shape)} differ")
    shape = (*first[:axis], 1, *first[axis:])
    return move.concat(*[move.reshape(x, shape=shape) for x in xs], axis=axis)


def filled(value: Value, *, shape: tuple[int, ...], dtype: DType) -> Value:
    """An array of one number."""
    return move.broadcast_to(as_type(value, dtype), shape=shape)


def overwritten(x: Value, v: Value, *starts: Value, spec: index.Spec) -> Value:
    """x with v written at a basic index, v broadcast and cast to x's dtype where promotion allows it."""
    value = fitted(x, v, index.indexed_shape(x.shape, spec))
    if all(entry == ":" for entry in spec):
        return pointwise.replace(x, value)
    return index.setitem(x, value, *whole(starts), spec=spec)


def fitted(x: Value, v: Value, shape: tuple[int, ...]) -> Value:
    """A value to be written into x: its dtype, broadcast to the selection."""
    if v.aval.weak:
        if promote_scalar(x.dtype, PYTHON_TYPES[v.dtype.kind]) is not x.dtype:
            raise DTypeError(
                f"{'a float' if v.dtype.kind == 'f' else 'an int'} does not go into a place of {x.dtype.name}",
                help="it takes True and False, or 1 and 0; compare first: v != 0" if x.dtype.kind == "b" else None,
            )
    elif v.dtype is not x.dtype and not dtypes.can_cast(v.dtype, x.dtype):
        raise DTypeError(
            f"a value of dtype {v.dtype.name} is written to a place of dtype {x.dtype.name}",
            help=f"a place keeps its dtype; cast the value: .to(tn.{x.dtype.name})",
        )
    v = as_type(v, x.dtype)
    while v.ndim > len(shape) and v.shape[0] == 1:
        v = move.reshape(v, shape=v.shape[1:])
    if v.shape == shape:
        return v
    try:
        return move.broadcast_to(v, shape=shape)
    except ShapeError:
        message = f"a value of shape {list(v.shape)} is written to a selection of shape {list(shape)}"
        raise ShapeError(message, help="the value must broadcast to the selection") from None


def whole(starts: tuple[Value, ...]) -> list[Value]:
    """Starts of an index as int64."""
    return [as_index(s) for s in starts]


def stop(x: Value) -> Value:
    """The same value, constant to every differentiation."""
    b = x.builder
    tracking, b.tracking = b.tracking, False
    try:
        return pointwise.mark(x)
    finally:
        b.tracking = tracking
