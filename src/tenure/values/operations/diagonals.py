"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.dtypes import DTypeLike, as_dtype, int64
from tenure.errors import ShapeError
from tenure.ops import promote, rearrange, select
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply_one
from tenure.values.operations import lookup
from tenure.values.operations.axes import check_axis
from tenure.values.operations.creation import check_device, tensor
from tenure.values.operations.reading import value_of
from tenure.values.trace.blame import public
from tenure.values.trace.given import check_shape, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

TRIANGLES = {name: Operation(name, rearrange.triangle) for name in ("tril", "triu")}
DIAG_EMBED = Operation("diag_embed", rearrange.on_diagonal, "DiagEmbedBackward0")


def _trace(x: Any) -> Any:
    return promote.total(
        select.diagonal(x, offset=0, first=x.ndim - 2, second=x.ndim - 1), axes=(x.ndim - 2,), keepdims=False
    )


TRACE = Operation("trace", _trace)


def tril(x: ArrayLike, diagonal: int = 0, *, k: int | None = None) -> Tensor:
    """The lower triangle of matrices, zeros above: elements of a diagonal, by default the main one, and below it.

    ``k`` is the array API's name of ``diagonal``. ShapeError (TN802) for fewer than two axes.

    >>> tn.tril(tn.tensor([[1, 2], [3, 4]]))
    tensor([[1, 0],
            [3, 4]])
    """
    return _triangle("tril", x, diagonal, k)


def triu(x: ArrayLike, diagonal: int = 0, *, k: int | None = None) -> Tensor:
    """The upper triangle of matrices, zeros below: elements of a diagonal, by default the main one, and above it.

    ``k`` is the array API's name of ``diagonal``. ShapeError (TN802) for fewer than two axes.

    >>> tn.triu(tn.tensor([[1, 2], [3, 4]]), diagonal=1)
    tensor([[0, 2],
            [0, 0]])
    """
    return _triangle("triu", x, diagonal, k)


def _triangle(name: str, x: Any, diagonal: int, k: int | None) -> Tensor:
    x = value_of(x)
    if x.ndim < 2:
        raise ShapeError(f"{name}: a tensor of shape {list(x.shape)}, where a matrix is wanted")
    at = int_of(diagonal if k is None else k, f"{name}: the diagonal")
    at = max(-x.shape[-2], min(at, x.shape[-1]))
    return apply_one(TRIANGLES[name], x, parameters(("upper",), name == "triu"), at)


@public
def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: DTypeLike | None = None, device: str | None = None
) -> Tensor:
    """The indices of the lower triangle of a matrix of some size, in C order: a row of rows, and one of columns.

    Shape (2, count), int64 unless given. ShapeError (TN802) for a negative size.

    >>> tn.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return _indices("tril_indices", np.tri, row, col, offset, dtype, device)


@public
def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: DTypeLike | None = None, device: str | None = None
) -> Tensor:
    """The indices of the upper triangle of a matrix of some size, in C order: a row of rows, and one of columns.

    Shape (2, count), int64 unless given. ShapeError (TN802) for a negative size.

    >>> tn.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    return _indices("triu_indices", lambda n, m, k: ~np.tri(n, m, k - 1, dtype=bool), row, col, offset, dtype, device)


def _indices(name: str, triangle: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    check_device(device)
    target = int64 if dtype is None else as_dtype(dtype)
    n, m = check_shape((row, col), target)
    k = max(-n - 1, min(int_of(offset, f"{name}: the offset"), m + 1))
    return tensor(np.stack(np.nonzero(triangle(n, m, k))), dtype=target)


def diag(x: ArrayLike, diagonal: int = 0) -> Tensor:
    """The diagonal of a matrix; of a list, the matrix that has it as its diagonal.

    ShapeError (TN802) for another number of axes.

    >>> tn.diag(tn.tensor([1, 2])), tn.diag(tn.tensor([[1, 2], [3, 4]]))
    (tensor([[1, 0],
            [0, 2]]), tensor([1, 4]))
    """
    x = value_of(x)
    if x.ndim not in (1, 2):
        raise ShapeError(f"diag: a tensor of shape {list(x.shape)}, where a list or a matrix is wanted")
    offset = int_of(diagonal, "diag: the diagonal")
    return diag_embed(x, offset) if x.ndim == 1 else lookup.diagonal(x, offset)


def diagflat(x: ArrayLike, offset: int = 0) -> Tensor:
    """The matrix that has the elements of x, in C order, as its diagonal.

    >>> tn.diagflat(tn.tensor([[1, 2]]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(value_of(x).reshape(-1), int_of(offset, "diagflat: the offset"))


def diag_embed(x: ArrayLike, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices, zero elsewhere, that have the last axis of x as a diagonal: ``offset`` above the main one.

    The matrices lie between axes dim1 and dim2 of the result. OutOfRange (TN801) for an axis that is not there,
    ShapeError (TN802) for one axis twice, or a 0-dimensional x.

    >>> tn.diag_embed(tn.tensor([1, 2]), 1)
    tensor([[0, 1, 0],
            [0, 0, 2],
            [0, 0, 0]])
    """
    x = value_of(x)
    if not x.ndim:
        raise ShapeError("diag_embed: a 0-dimensional tensor has no axis that a diagonal could be")
    first, second = (check_axis(k, x.ndim + 1, f"diag_embed: {what}") for k, what in ((dim1, "dim1"), (dim2, "dim2")))
    if first == second:
        raise ShapeError(f"diag_embed: between axis {first} and itself")
    above = int_of(offset, "diag_embed: the offset")
    size = x.shape[-1] + abs(above)
    check_shape((*x.shape[:-1], size, size), x.dtype)
    return apply_one(DIAG_EMBED, x, parameters(("offset", "first", "second"), above, first, second))


def trace(x: ArrayLike) -> Tensor:
    """The sum of the main diagonal of a matrix, or of each of several, whose axes are the last two.

    Whole numbers are summed in 64 bits. ShapeError (TN802) for fewer than two axes.

    >>> tn.trace(tn.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    x = value_of(x)
    if x.ndim < 2:
        raise ShapeError(f"trace: a tensor of shape {list(x.shape)}, where a matrix is wanted")
    return apply_one(TRACE, x)
