"""Functions whose form in the array API standard is not the one of the home namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tenure
from tenure.array_api.arrays import Array, of_arrays
from tenure.dtypes import as_dtype

if TYPE_CHECKING:
    from tenure.dtypes import DTypeLike
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Axes, Shape


def asarray(
    obj: Any, /, *, dtype: DTypeLike | None = None, device: str | None = None, copy: bool | None = None
) -> Array:
    """An array of an object: the array itself if it is one of the dtype, unless a copy is asked for.

    >>> tn.array_api.asarray([1, 2])
    tensor([1, 2])
    """
    kept = isinstance(obj, Array) and copy is not True and device in (None, "cpu")
    if kept and (dtype is None or obj.dtype is as_dtype(dtype)):
        return obj  # type: ignore[no-any-return]
    return of_arrays(tenure.asarray)(obj, dtype=dtype, device=device, copy=copy)  # type: ignore[no-any-return]


def astype(x: Any, dtype: DTypeLike, /, *, copy: bool = True, device: str | None = None) -> Array:
    """x in a dtype: the array itself if it has that and no copy is asked for.

    >>> tn.array_api.astype(tn.array_api.asarray([1]), tn.float32)
    tensor([1.])
    """
    if isinstance(x, Array) and not copy and x.dtype is as_dtype(dtype) and device in (None, "cpu"):
        return x
    return of_arrays(tenure.astype)(x, dtype, copy=copy, device=device)  # type: ignore[no-any-return]


def argsort(x: ArrayLike, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The indices that sort x along an axis.

    >>> tn.array_api.argsort(tn.tensor([3, 1, 2]))
    tensor([1, 2, 0])
    """
    return tenure.argsort(x, axis=axis, descending=descending, stable=stable)


def sort(x: ArrayLike, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """x sorted along an axis, NaN last; without the indices.

    >>> tn.array_api.sort(tn.tensor([3, 1, 2]))
    tensor([1, 2, 3])
    """
    found: Any = tenure.sort(x, axis=axis, descending=descending, stable=stable)
    return found.values if hasattr(found, "values") else found  # type: ignore[no-any-return]


def broadcast_arrays(*arrays: ArrayLike) -> list[Tensor]:
    """Tensors broadcast together, as a list.

    >>> [x.shape for x in tn.array_api.broadcast_arrays(tn.zeros(2, 1), tn.zeros(3))]
    [(2, 3), (2, 3)]
    """
    return list(tenure.broadcast_arrays(*arrays))


def meshgrid(*arrays: ArrayLike, indexing: str = "xy") -> list[Tensor]:
    """Coordinates over the grid of vectors, Cartesian unless told otherwise, as a list.

    >>> [x.shape for x in tn.array_api.meshgrid(tn.zeros(2), tn.zeros(3))]
    [(3, 2), (3, 2)]
    """
    return list(tenure.meshgrid(*arrays, indexing=indexing))


def empty(shape: Shape, *, dtype: DTypeLike | None = None, device: str | None = None) -> Tensor:
    """A tensor of a shape whose elements are anything: zeros here.

    >>> tn.array_api.empty((2,)).shape
    (2,)
    """
    return tenure.empty(shape, dtype=dtype, device=device)


def ones(shape: Shape, *, dtype: DTypeLike | None = None, device: str | None = None) -> Tensor:
    """Ones of a shape.

    >>> tn.array_api.ones((2,))
    tensor([1., 1.])
    """
    return tenure.ones(shape, dtype=dtype, device=device)


def zeros(shape: Shape, *, dtype: DTypeLike | None = None, device: str | None = None) -> Tensor:
    """Zeros of a shape.

    >>> tn.array_api.zeros((2,))
    tensor([0., 0.])
    """
    return tenure.zeros(shape, dtype=dtype, device=device)


def permute_dims(x: ArrayLike, /, axes: Shape) -> Tensor:
    """x with its axes in an order.

    >>> tn.array_api.permute_dims(tn.zeros(2, 3), (1, 0)).shape
    (3, 2)
    """
    return tenure.permute_dims(x, axes)


def reshape(x: ArrayLike, /, shape: Shape, *, copy: bool | None = None) -> Tensor:
    """The same elements in another shape; a value is its own copy.

    >>> tn.array_api.reshape(tn.zeros(2, 3), (6,)).shape
    (6,)
    """
    return tenure.reshape(x, shape, copy=copy)


def searchsorted(
    x1: ArrayLike, x2: ArrayLike, /, *, side: str = "left", sorter: ArrayLike | None = None
) -> Tensor:
    """The places at which the elements of x2 go in the sorted vector x1.

    >>> tn.array_api.searchsorted(tn.tensor([1, 3, 5]), tn.tensor([3]))
    tensor([1])
    """
    return tenure.searchsorted(x1, x2, side=side, sorter=sorter)


def std(x: ArrayLike, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """The standard deviation; n - correction divides, n unless told otherwise.

    >>> tn.array_api.std(tn.tensor([1.0, 3.0]))
    tensor(1.)
    """
    return tenure.std(x, axis=axis, correction=correction, keepdims=keepdims)


def var(x: ArrayLike, /, *, axis: Axes = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """The variance; n - correction divides, n unless told otherwise.

    >>> tn.array_api.var(tn.tensor([1.0, 3.0]))
    tensor(1.)
    """
    return tenure.var(x, axis=axis, correction=correction, keepdims=keepdims)
