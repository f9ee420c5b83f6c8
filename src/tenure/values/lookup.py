"""Reading by index as functions, and the indices of what one looks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import select
from tenure.ops.promote import Operation
from tenure.values import comparison, indexing, keys, shaping
from tenure.values.axes import check_axis, one_of
from tenure.values.creation import wrap
from tenure.values.given import check_shape, int_of
from tenure.values.reading import value_of
from tenure.values.record import apply

GATHER = Operation("gather", select.gathered, "GatherBackward0")
DIAGONAL = Operation("diagonal", select.diagonal, "DiagonalBackward0")
UNRAVEL = Operation("unravel_index", select.unravel)
RAVEL = Operation("ravel_multi_index", select.ravel)


def take(x: Any, indices: Any, axis: int | None = None, *, dim: int | None = None) -> Any:
    """x at integer indices of any shape along an axis, which their axes replace. An axis is needed unless x has one."""
    x = value_of(x)
    at = one_of(axis, dim)
    if at is None and len(x._aval.shape) != 1:
        raise ShapeError(
            f"take along which of {len(x._aval.shape)} axes?",
            help="give axis=…; NumPy's and PyTorch's take without one is x.flatten()[indices]",
        )
    k = check_axis(0 if at is None else at, len(x._aval.shape))
    return indexing.getitem(x, (*[slice(None)] * k, keys.whole(value_of(indices))))


def index_select(x: Any, dim: int, index: Any) -> Any:
    """x at a list of integers along an axis, as PyTorch has it."""
    index = value_of(index)
    if len(index._aval.shape) > 1:
        raise ShapeError(f"index_select: indices of shape {list(index._aval.shape)}, where a list of them is wanted")
    return take(x, index.reshape(-1), dim)


def gather(x: Any, dim: int, index: Any) -> Any:
    """PyTorch's gather: out[i][j] = x[index[i][j]][j] for dim 0. Along the other axes the indices may be fewer."""
    x = value_of(x)
    return apply(GATHER, (x, value_of(index)), (("axis", check_axis(dim, len(x._aval.shape))),))


def compress(condition: Any, x: Any, axis: int | None = None) -> Any:
    """The parts of x along an axis (of the flattened x without one) for which a list of bools holds."""
    x = value_of(x)
    mask = value_of(condition)
    if len(mask._aval.shape) != 1:
        raise ShapeError(f"compress: a condition of shape {list(mask._aval.shape)}, where a list is wanted")
    x = x.reshape(-1) if axis is None else x
    k = check_axis(0 if axis is None else axis, len(x._aval.shape))
    return take(x, nonzero(mask)[0], k)


def nonzero(x: Any) -> tuple[Any, ...]:
    """Where x is not zero, in C order: for each axis the indices (int64). Reads x, as their number depends on it.
    ShapeError (TN802) for a 0-dimensional x, which has no axis."""
    return keys.positions(comparison.truth(value_of(x)), False)


def argwhere(x: Any) -> Any:
    """Where x is not zero, in C order: a row of indices for each element (PyTorch's ``nonzero``)."""
    x = value_of(x)
    if not x._aval.shape:
        return nonzero(x.reshape(1))[0].reshape(-1, 1)[:, :0]
    return shaping.stack(nonzero(x), 1)


def masked_select(x: Any, mask: Any) -> Any:
    """The elements of x for which a mask holds, in C order; the two broadcast together. Reads the mask."""
    x, mask = value_of(x), value_of(mask)
    shape = keys.together(x._aval.shape, mask._aval.shape, "masked_select")
    x, mask = (y if y._aval.shape == shape else y.broadcast_to(shape) for y in (x, mask))
    return indexing.getitem(x, mask) if shape else indexing.getitem(x.reshape(1), mask.reshape(1))


def diagonal(
    x: Any, offset: int = 0, axis1: int | None = None, axis2: int | None = None, *, dim1: int = 0, dim2: int = 1
) -> Any:
    """The elements whose index along one axis is ``offset`` more than along another, as the last axis."""
    x = value_of(x)
    ndim = len(x._aval.shape)
    first, second = (
        check_axis(dim1 if axis1 is None else axis1, ndim),
        check_axis(dim2 if axis2 is None else axis2, ndim),
    )
    if first == second:
        raise ShapeError(f"diagonal: between axis {first} and itself")
    offset = int_of(offset, "diagonal: the offset")
    return apply(DIAGONAL, (x,), (("offset", offset), ("first", first), ("second", second)))


def ix_(*sequences: Any) -> tuple[Any, ...]:
    """Index arrays that together select every combination: x[ix_([0, 2], [1, 3])] has 2 rows of 2. Bools say where."""
    out = []
    for k, given in enumerate(sequences):
        i = value_of(given)
        if len(i._aval.shape) != 1:
            raise ShapeError(f"ix_: a sequence of shape {list(i._aval.shape)}, where a list is wanted")
        i = nonzero(i)[0] if i._aval.dtype.kind == "b" else i if i._aval.size else i.long()
        out.append(_aside(keys.whole(i), k, len(sequences)))
    return tuple(out)


def _aside(i: Any, axis: int, ndim: int) -> Any:
    """An index along one of some axes; at hand if it is."""
    shape = [-1 if k == axis else 1 for k in range(ndim)]
    return wrap(i._data.reshape(shape).copy()) if type(i._data) is np.ndarray else i.reshape(shape)


def unravel_index(indices: Any, shape: Sequence[int]) -> tuple[Any, ...]:
    """The index along each axis of positions in C order in an array of some shape. TN801 outside it."""
    found = apply(UNRAVEL, (value_of(indices),), (("shape", check_shape(shape)),))
    return found if type(found) is tuple else (found,)


def ravel_multi_index(multi_index: Sequence[Any], shape: Sequence[int]) -> Any:
    """The positions in C order of an index along each axis of an array of some shape. TN801 outside it."""
    if not isinstance(multi_index, tuple | list):
        raise DTypeError(f"ravel_multi_index takes a tuple of indices, not {shown(multi_index)}")
    indices, sizes = tuple([value_of(i) for i in multi_index]), check_shape(shape)
    if len(indices) != len(sizes) or not sizes:
        raise ShapeError(f"ravel_multi_index: {len(indices)} indices for a shape of {len(sizes)} axes")
    return apply(RAVEL, indices, (("shape", sizes),))


def take_along_dim(x: Any, indices: Any, dim: int) -> Any:
    """PyTorch's name of take_along_axis."""
    return indexing.take_along_axis(x, indices, dim)
