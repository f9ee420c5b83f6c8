"""Products whose axes are by default the last ones, unlike those of the functions of the same names at the top."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.values.operations import lookup, products
from tenure.values.operations.axes import one_of
from tenure.values.operations.reading import value_of

if TYPE_CHECKING:
    from tenure.dtypes import DTypeLike
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def cross(x: ArrayLike, y: ArrayLike, *, axis: int | None = None, dim: int | None = None) -> Tensor:
    """The cross products of vectors of three along an axis (the last by default), the others broadcast together.

    ShapeError (TN802) if the size along it is not 3, or the others do not broadcast.

    >>> tn.linalg.cross(tn.tensor([1, 0, 0]), tn.tensor([0, 1, 0]))
    tensor([0, 0, 1])
    """
    at = one_of(axis, dim)
    return products.cross(x, y, -1 if at is None else at)


def diagonal(x: ArrayLike, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, ``offset`` above the main one, as the last axis; the matrices' axes are the last two.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for one axis twice.

    >>> tn.linalg.diagonal(tn.tensor([[[1, 2], [3, 4]]]))
    tensor([[1, 4]])
    """
    return lookup.diagonal(x, offset, dim1=dim1, dim2=dim2)


def trace(x: ArrayLike, *, offset: int = 0, dtype: DTypeLike | None = None) -> Tensor:
    """The sums of the diagonals of matrices, whose axes are the last two.

    Whole numbers are summed in 64 bits, or in ``dtype``. OutOfRange (TN801) for fewer than two axes.

    >>> tn.linalg.trace(tn.tensor([[1, 2], [3, 4]]), offset=1)
    tensor(2)
    """
    return diagonal(value_of(x), offset=offset).sum(axis=-1, dtype=dtype)
