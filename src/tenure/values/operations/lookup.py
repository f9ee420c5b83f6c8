"""Reading by index as functions, and functions that compute indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import select
from tenure.ops.declare import broadcast_shapes
from tenure.ops.promote import Operation
from tenure.values.native.hits import apply
from tenure.values.operations import comparison, indexing, keys, masks, shaping
from tenure.values.operations.axes import check_axis, check_dim, one_of
from tenure.values.operations.creation import wrap
from tenure.values.operations.reading import value_of
from tenure.values.rules.sites import at_users_line
from tenure.values.trace.given import check_shape, flag, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Shape

GATHER = Operation("gather", select.gathered, "GatherBackward0")
DIAGONAL = Operation("diagonal", select.diagonal, "DiagonalBackward0")
UNRAVEL = Operation("unravel_index", select.unravel)
RAVEL = Operation("ravel_multi_index", select.ravel)


def take(x: ArrayLike, indices: ArrayLike, axis: int | None = None, *, dim: int | None = None) -> Tensor:
    """x at integer indices of any shape along an axis, which their axes replace.

    ShapeError (TN802) if no axis is given and x has not one axis. OutOfRange (TN801), when the result is read, for an
    index outside the axis.

    >>> tn.take(tn.tensor([10, 20, 30]), tn.tensor([2, 0]))
    tensor([30, 10])
    """
    x = value_of(x)
    at = one_of(axis, dim)
    if at is None and len(x._aval.shape) != 1:
        raise ShapeError(
            f"take along which of {len(x._aval.shape)} axes?",
            help="give axis=…; NumPy's and PyTorch's take without one is x.flatten()[indices]",
        )
    k = check_axis(0 if at is None else at, len(x._aval.shape))
    return at_users_line(indexing.getitem(x, (*[slice(None)] * k, keys.whole(value_of(indices)))))


def index_select(x: ArrayLike, dim: int, index: ArrayLike) -> Tensor:
    """x at a list of integers along an axis, as in PyTorch.

    ShapeError (TN802) for indices of more than one axis; OutOfRange (TN801), when the result is read, for an index
    outside the axis.

    >>> tn.index_select(tn.tensor([[1, 2, 3], [4, 5, 6]]), 1, tn.tensor([2, 0]))
    tensor([[3, 1],
            [6, 4]])
    """
    index = value_of(index)
    if len(index._aval.shape) > 1:
        raise ShapeError(f"index_select: indices of shape {list(index._aval.shape)}, where a list of them is wanted")
    x = value_of(x)
    if x._aval.shape:
        return take(x, index.reshape(-1), dim)
    check_dim(dim, 0)
    if index._aval.size != 1:
        raise ShapeError(f"index_select: {index._aval.size} indices for a 0-dimensional tensor, which has one element")
    return take(x.reshape(1), index.reshape(-1), 0).reshape(())


def gather(x: ArrayLike, dim: int, index: ArrayLike) -> Tensor:
    """The elements of x at integer indices along an axis, as in PyTorch: out[i][j] = x[index[i][j]][j] for dim 0.

    The result has the shape of ``index``, which may be smaller than x along the other axes. A 0-dimensional tensor is
    taken for a list of one. OutOfRange (TN801), when the result is read, for an index outside the axis.

    >>> tn.gather(tn.tensor([[1, 2], [3, 4]]), 1, tn.tensor([[1, 1], [0, 1]]))
    tensor([[2, 2],
            [3, 4]])
    """
    x = value_of(x)
    return apply(GATHER, (x, value_of(index)), (("axis", check_dim(dim, len(x._aval.shape))),))


def compress(condition: ArrayLike, x: ArrayLike, axis: int | None = None) -> Tensor:
    """The parts of x along an axis (of the flattened x without one) for which a list of bools holds.

    Reads the condition, on which the shape depends. ShapeError (TN802) for a condition of more than one axis.

    >>> tn.compress([True, False, True], tn.tensor([1, 2, 3]))
    tensor([1, 3])
    """
    x = value_of(x)
    mask = value_of(condition)
    if len(mask._aval.shape) != 1:
        raise ShapeError(f"compress: a condition of shape {list(mask._aval.shape)}, where a list is wanted")
    x = x.reshape(-1) if axis is None else x
    k = check_axis(0 if axis is None else axis, len(x._aval.shape))
    return take(x, nonzero(mask)[0], k)


@overload
def nonzero(x: ArrayLike, *, as_tuple: Literal[True] | None = None) -> tuple[Tensor, ...]: ...
@overload
def nonzero(x: ArrayLike, *, as_tuple: Literal[False]) -> Tensor: ...
def nonzero(x: ArrayLike, *, as_tuple: bool | None = None) -> tuple[Tensor, ...] | Tensor:
    """The indices (int64) at which x is not zero, in C order: one tensor for each axis.

    With ``as_tuple=False``, PyTorch's default, a row for each element, as ``argwhere``. Reads x, on which their
    number depends. ShapeError (TN802) for a 0-dimensional x, which has no axis.

    >>> tn.nonzero(tn.tensor([[0, 5], [7, 0]]))
    (tensor([0, 1]), tensor([1, 0]))
    """
    if as_tuple is not None and not flag("nonzero: as_tuple", as_tuple):
        return argwhere(x)
    return masks.positions(comparison.truth(value_of(x)), False)


def argwhere(x: ArrayLike) -> Tensor:
    """The indices (int64) at which x is not zero, in C order: one row for each element (PyTorch's ``nonzero``).

    Reads x, on which their number depends.

    >>> tn.argwhere(tn.tensor([[0, 5], [7, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    x = value_of(x)
    if not x._aval.shape:
        return nonzero(x.reshape(1))[0].reshape(-1, 1)[:, :0]
    return shaping.stack(nonzero(x), 1)


def masked_select(x: ArrayLike, mask: ArrayLike) -> Tensor:
    """The elements of x for which a mask (bool) holds, in C order: a tensor of one axis.

    Reads the mask, on which their number depends. The shapes broadcast together, else ShapeError (TN802).

    >>> x = tn.tensor([[1, 2], [3, 4]])
    >>> tn.masked_select(x, x > 1)
    tensor([2, 3, 4])
    """
    x, mask = value_of(x), value_of(mask)
    shape = broadcast_shapes((x._aval.shape, mask._aval.shape), "masked_select")
    x, mask = (y if y._aval.shape == shape else y.broadcast_to(shape) for y in (x, mask))
    return indexing.getitem(x, mask) if shape else indexing.getitem(x.reshape(1), mask.reshape(1))


def diagonal(
    x: ArrayLike, offset: int = 0, axis1: int | None = None, axis2: int | None = None, *, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """The elements whose index along one axis is ``offset`` more than along another, as the last axis.

    The axes are the first two unless given. OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for
    one axis twice.

    >>> tn.diagonal(tn.tensor([[1, 2], [3, 4]])), tn.diagonal(tn.tensor([[1, 2], [3, 4]]), 1)
    (tensor([1, 4]), tensor([2]))
    """
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


def ix_(*sequences: ArrayLike) -> tuple[Tensor, ...]:
    """Index arrays that together select every combination of their elements; bools say where.

    ShapeError (TN802) for a sequence of more than one axis.

    >>> x = tn.arange(12).reshape(3, 4)
    >>> x[tn.ix_([0, 2], [1, 3])]
    tensor([[ 1,  3],
            [ 9, 11]])
    """
    out = []
    for k, given in enumerate(sequences):
        i = value_of(given)
        if len(i._aval.shape) != 1:
            raise ShapeError(f"ix_: a sequence of shape {list(i._aval.shape)}, where a list is wanted")
        i = nonzero(i)[0] if i._aval.dtype.kind == "b" else i if i._aval.size else i.long()
        out.append(_aside(keys.whole(i), k, len(sequences)))
    return tuple(out)


def _aside(i: Any, axis: int, ndim: int) -> Any:
    """Index along one of some axes; its values stay known if they are."""
    shape = [-1 if k == axis else 1 for k in range(ndim)]
    return wrap(i._data.reshape(shape).copy()) if type(i._data) is np.ndarray else i.reshape(shape)


def unravel_index(indices: ArrayLike, shape: Shape) -> tuple[Tensor, ...]:
    """The index along each axis of positions in C order in an array of some shape.

    OutOfRange (TN801), when the result is read, for a position outside it.

    >>> tn.unravel_index(tn.tensor([0, 5]), (2, 3))
    (tensor([0, 1]), tensor([0, 2]))
    """
    found: Any = apply(UNRAVEL, (value_of(indices),), (("shape", check_shape(shape)),))
    return found if type(found) is tuple else (found,)


def ravel_multi_index(multi_index: Sequence[ArrayLike], shape: Shape) -> Tensor:
    """The positions in C order of an index along each axis of an array of some shape.

    OutOfRange (TN801), when the result is read, for an index outside it.

    >>> tn.ravel_multi_index((tn.tensor([0, 1]), tn.tensor([0, 2])), (2, 3))
    tensor([0, 5])
    """
    if not isinstance(multi_index, tuple | list):
        raise DTypeError(f"ravel_multi_index takes a tuple of indices, not {shown(multi_index)}")
    indices, sizes = tuple([value_of(i) for i in multi_index]), check_shape(shape)
    if len(indices) != len(sizes) or not sizes:
        raise ShapeError(f"ravel_multi_index: {len(indices)} indices for a shape of {len(sizes)} axes")
    return apply(RAVEL, indices, (("shape", sizes),))


def take_along_dim(x: ArrayLike, indices: ArrayLike, dim: int | None = None) -> Tensor:
    """The elements of x at integer indices along one axis, as ``take_along_axis``; without one, of both in one row.

    OutOfRange (TN801), when the result is read, for an index outside the axis.

    >>> tn.take_along_dim(tn.tensor([[10, 20], [30, 40]]), tn.tensor([[1], [0]]), 1)
    tensor([[20],
            [30]])
    """
    x, indices = value_of(x), value_of(indices)
    if dim is None:
        x, indices, dim = x.reshape(-1), indices.reshape(-1), 0
    return at_users_line(indexing.take_along_axis(x, indices, dim))
