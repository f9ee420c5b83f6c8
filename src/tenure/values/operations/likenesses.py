"""Tensors in the dtype of another, or in its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.dtypes import DTypeLike
from tenure.values.operations import creation, factories, legacy
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import chosen

if TYPE_CHECKING:
    import numpy as np

    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Number, Shape


def new_tensor(
    x: Any, data: ArrayLike, *, dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor with a copy of ``data``, in the dtype of this one unless given; as ``tn.tensor``.

    >>> tn.tensor([1.5]).new_tensor([1, 2])
    tensor([1., 2.])
    """
    return creation.tensor(data, dtype=x.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad)


def _new(make: Any, x: Any, sizes: tuple[Any, ...], size: Any, dtype: Any, device: Any, requires_grad: Any) -> Tensor:
    shape = chosen(make.__name__, sizes, None, size)
    dtype = x.dtype if dtype is None else dtype
    return make(*shape, dtype=dtype, device=device, requires_grad=requires_grad)  # type: ignore[no-any-return]


def new_zeros(
    x: Any, *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, size: Shape | None = None,
) -> Tensor:
    """Zeros of a shape, in the dtype of this tensor unless given; as ``tn.zeros``.

    >>> tn.tensor([1, 2]).new_zeros(2)
    tensor([0, 0])
    """
    return _new(factories.zeros, x, sizes, size, dtype, device, requires_grad)


def new_ones(
    x: Any, *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, size: Shape | None = None,
) -> Tensor:
    """Ones of a shape, in the dtype of this tensor unless given; as ``tn.ones``.

    >>> tn.tensor([1, 2]).new_ones(2)
    tensor([1, 1])
    """
    return _new(factories.ones, x, sizes, size, dtype, device, requires_grad)


def new_empty(
    x: Any, *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, size: Shape | None = None,
) -> Tensor:
    """A tensor of a shape to be written, in the dtype of this one unless given; as ``tn.empty``.

    >>> tn.tensor([1, 2]).new_empty(2, 3).shape
    (2, 3)
    """
    return _new(factories.zeros, x, sizes, size, dtype, device, requires_grad)


def new_full(
    x: Any, size: Shape, fill_value: Number | np.generic, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:
    """One number everywhere, in the dtype of this tensor unless given; as ``tn.full``.

    >>> tn.tensor([1, 2]).new_full((2,), 7)
    tensor([7, 7])
    """
    dtype = x.dtype if dtype is None else dtype
    if size is None:
        raise TypeError("new_full: the shape is missing, as in x.new_full((2, 3), 1.0)")
    return factories.full(size, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)


def new(x: Any, *given: ArrayLike, device: str | None = None) -> Tensor:
    """A tensor in the dtype of this one, of data or of sizes; PyTorch's old name of ``new_tensor`` and ``new_empty``.

    >>> tn.tensor([1.5]).new([1, 2])
    tensor([1., 2.])
    """
    return legacy.made(given, x.dtype, device)


def type_as(x: ArrayLike, other: ArrayLike) -> Tensor:
    """x in the dtype of another tensor.

    >>> tn.tensor([1, 2]).type_as(tn.tensor([0.5]))
    tensor([1., 2.])
    """
    return value_of(x).to(value_of(other).dtype)
