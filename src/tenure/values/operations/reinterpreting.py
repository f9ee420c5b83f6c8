"""The bits of elements as numbers of another dtype, and the elements at an offset and strides of a row-major tensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DTypeError, OutOfRange, ShapeError
from tenure.ops import integers, move, pointwise
from tenure.ops.index import getitem
from tenure.ops.promote import Operation, as_type, parameters
from tenure.values.native.hits import apply_one
from tenure.values.operations.at import AtIndex
from tenure.values.operations.complexes import view_as_complex, view_as_real
from tenure.values.operations.lookup import take
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import reshape
from tenure.values.rules.sites import at_users_line
from tenure.values.trace.blame import public
from tenure.values.trace.given import check_shape, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Shape

UNSIGNED = {1: dtypes.uint8, 2: dtypes.uint16, 4: dtypes.uint32, 8: dtypes.uint64}
"""The dtype of bits, by its bytes."""


def _bits(x: Any, *, dtype: DType) -> Any:
    """By the bits as unsigned numbers, taken apart or joined along the last axis where the sizes differ."""
    old, new = x.dtype.itemsize, dtype.itemsize
    if old == new:
        return integers.bitcast(x, dtype=dtype)
    x = integers.bitcast(x, dtype=UNSIGNED[old])
    if old > new:
        parts = [as_type(integers.right_shift(x, x.coerce(8 * new * k)), UNSIGNED[new]) for k in range(old // new)]
        parts = [move.reshape(part, shape=(*x.shape, 1)) for part in parts]
        joined = move.reshape(move.concat(*parts, axis=x.ndim), shape=(*x.shape[:-1], x.shape[-1] * (old // new)))
        return integers.bitcast(joined, dtype=dtype)
    count = new // old
    x = move.reshape(as_type(x, UNSIGNED[new]), shape=(*x.shape[:-1], x.shape[-1] // count, count))
    spec = (*[":"] * (x.ndim - 1), "i")
    total = getitem(x, x.builder.constant(0, dtypes.int64), spec=spec)
    for k in range(1, count):
        part = getitem(x, x.builder.constant(k, dtypes.int64), spec=spec)
        total = integers.bitwise_or(total, integers.left_shift(part, part.coerce(8 * old * k)))
    return integers.bitcast(total, dtype=dtype)


BITS = Operation("view", _bits, "NotImplemented")
SAME = Operation("view", pointwise.mark)


def _reinterpreted(x: Any, dtype: DType) -> Tensor:
    """The elements' bits as numbers of a dtype; those of complex numbers by their parts, with a gradient."""
    of = x._aval.dtype
    if of is dtype:
        return at_users_line(apply_one(SAME, x))
    if not x._aval.ndim and of.itemsize != dtype.itemsize:
        raise ShapeError(f"view: one {of.name} has not the size of a {dtype.name}", help="x.reshape(1) has an axis")
    if of.is_complex:
        x = view_as_real(x)
        x = reshape(x, *x._aval.shape[:-2], x._aval.shape[-2] * 2) if x._aval.ndim > 1 else x
        return _reinterpreted(x, dtype) if not dtype.is_complex else _joined(x, dtype)
    if dtype.is_complex:
        return _joined(x, dtype)
    if "b" in (of.kind, dtype.kind):
        if of.itemsize != dtype.itemsize:
            raise DTypeError(f"view: {of.name} as {dtype.name}", help="cast it first, `x.to(tn.uint8)`")
        bits: Tensor = x.to(dtype) if of.kind == "b" else x != 0
        return at_users_line(bits)
    last = x._aval.shape[-1] if x._aval.ndim else 1
    if last * of.itemsize % dtype.itemsize:
        raise ShapeError(f"view: {last} elements of {of.name} along the last axis are no whole number of {dtype.name}")
    return at_users_line(apply_one(BITS, x, parameters(("dtype",), dtype)))


def _joined(x: Any, dtype: DType) -> Tensor:
    """Pairs of floats along the last axis as complex numbers."""
    last = x._aval.shape[-1] if x._aval.ndim else 1
    if x._aval.dtype is not dtype.parts or last % 2:
        raise DTypeError(f"view: pairs of {dtype.parts.name} are {dtype.name}, not {last} of {x._aval.dtype.name}")
    return at_users_line(view_as_complex(reshape(x, *x._aval.shape[:-1], last // 2, 2)))


@public
def view(x: ArrayLike, *sizes: Shape | DType, shape: Shape | None = None, dtype: DType | None = None) -> Tensor:
    """x in another shape, as ``reshape``; given a dtype, the bits of its elements as numbers of that dtype.

    The last axis grows or shrinks where the sizes of elements differ, low bytes first. Only complex numbers and their
    parts have a gradient. ShapeError (TN802) if the number of elements differs, or no whole number of elements fits.

    >>> tn.tensor([1.0, -2.0]).view(tn.int32)
    tensor([ 1065353216, -1073741824], dtype=tenure.int32)
    """
    given = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], DType) else dtype
    if given is None:
        return reshape(x, *sizes, shape=shape)  # type: ignore[arg-type]
    return _reinterpreted(value_of(x), dtypes.as_dtype(given))


def strided(shape: Sequence[int], strides: Sequence[int], start: int = 0) -> Any:
    """The number start + Σ index · stride for each index of a shape."""
    axes = [np.arange(n).reshape(-1, *[1] * (len(shape) - k - 1)) * strides[k] for k, n in enumerate(shape)]
    return np.broadcast_to(sum(axes, np.int64(start)), shape)


def _places(name: str, x: Any, size: Any, stride: Any, offset: Any) -> Any:
    """The numbers of elements in C order, at an offset and strides."""
    size, start = check_shape(tuple(size)), 0 if offset is None else int_of(offset, f"{name}: storage_offset")
    strides = tuple([int_of(step, f"{name}: stride") for step in stride])
    if len(strides) != len(size):
        raise ShapeError(f"{name}: {len(strides)} strides for {len(size)} axes")
    if start < 0 or min(strides, default=0) < 0:
        raise ShapeError(f"{name}: offset and strides are not negative")
    last = start + sum((n - 1) * step for n, step in zip(size, strides, strict=True))
    if 0 not in size and last >= x._aval.size:
        raise OutOfRange(f"{name}: element {last} of {x._aval.size}")
    check_shape(size, x._aval.dtype)
    return strided(size, strides, start)


@public
def as_strided(x: ArrayLike, size: Shape, stride: Shape, storage_offset: int | None = None) -> Tensor:
    """The elements of x, in C order, number ``storage_offset`` + Σ index · stride, for each index of a shape.

    A value has no memory of its own to be viewed: strides are those of a tensor in C order, the gradient adds up where
    elements are chosen more than once. OutOfRange (TN801) for elements that are not there, ShapeError (TN802) if shape
    and strides do not fit together.

    >>> tn.as_strided(tn.arange(5), (3, 2), (1, 2))
    tensor([[0, 2],
            [1, 3],
            [2, 4]])
    """
    x = value_of(x)
    at = _places("as_strided", x, size, stride, storage_offset)
    return at_users_line(take(reshape(x, math.prod(x._aval.shape)), at, 0))


@public
def as_strided_scatter(
    x: ArrayLike, src: ArrayLike, size: Shape, stride: Shape, storage_offset: int | None = None
) -> Tensor:
    """x with ``src`` at the elements that ``as_strided`` reads; of elements written more than once the last stands.

    OutOfRange (TN801) for elements that are not there, ShapeError (TN802) if src has another shape.

    >>> tn.as_strided_scatter(tn.zeros(2, 2), tn.ones(2), (2,), (3,))
    tensor([[1., 0.],
            [0., 1.]])
    """
    x, src = value_of(x), value_of(src)
    at = _places("as_strided_scatter", x, size, stride, storage_offset)
    if src._aval.shape != at.shape:
        raise ShapeError(f"as_strided_scatter: src has shape {list(src._aval.shape)}, not {list(at.shape)}")
    shape = x._aval.shape
    flat = AtIndex(reshape(x, math.prod(shape)), np.ascontiguousarray(at)).set(src)
    return at_users_line(reshape(flat, shape))
