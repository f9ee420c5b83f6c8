"""Tensors of given numbers: zeros, ones, any other, the unit matrix.

With ``requires_grad`` each is a place and a leaf.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from tenure import dtypes
from tenure.dtypes import DTypeLike, as_dtype
from tenure.errors import DTypeError, shown
from tenure.ops.promote import parameters
from tenure.values.native.hits import apply
from tenure.values.operations.creation import FILL, check_device, leaf, tensor
from tenure.values.operations.shaping import broadcast_to
from tenure.values.trace import record
from tenure.values.trace.blame import public
from tenure.values.trace.given import check_number, check_shape, chosen, int_of, shape_of

if TYPE_CHECKING:
    from tenure.values.places.var import Var
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Number, Shape


@overload
def full(
    shape: Shape | None = None, fill_value: Number | np.generic | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True], size: Shape | None = None,
) -> Var: ...
@overload
def full(
    shape: Shape | None = None, fill_value: Number | np.generic | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, size: Shape | None = None,
) -> Tensor: ...
def full(
    shape: Shape | None = None, fill_value: Number | np.generic | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, size: Shape | None = None,
) -> Tensor:
    """A tensor of one number everywhere; its dtype is the number's default unless given.

    ``size`` is PyTorch's name for shape. DTypeError (TN802) for what is no number.

    >>> tn.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    check_device(device)
    if shape is None and size is None:
        raise TypeError("full: the shape is missing, as in full((2, 3), 1.0)")
    if size is not None:
        (shape,) = chosen("full", () if shape is None else (shape,), None, size)
    if isinstance(fill_value, np.generic):
        fill_value = fill_value.item()
    if isinstance(fill_value, complex):
        target = as_dtype(complex if dtype is None else dtype)
        return leaf(broadcast_to(tensor(fill_value, dtype=target), check_shape(shape, target)), requires_grad)
    if not isinstance(fill_value, bool | int | float):
        raise DTypeError(f"full: the value is a number, not {shown(fill_value)}")
    target = as_dtype(type(fill_value) if dtype is None else dtype)
    if target.kind in "iu":
        check_number("full", fill_value, target)
    params = parameters(("shape", "dtype"), check_shape(shape, target), target)
    return leaf(apply(FILL, (), params, (fill_value,)), requires_grad)


@overload
def zeros(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True], shape: Shape | None = None,
    size: Shape | None = None,
) -> Var: ...
@overload
def zeros(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, shape: Shape | None = None,
    size: Shape | None = None,
) -> Tensor: ...
def zeros(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, shape: Shape | None = None,
    size: Shape | None = None,
) -> Tensor:
    """Zeros of a shape, given as ints, as one sequence or by name; float32 unless given.

    ShapeError (TN802) for a negative size.

    >>> tn.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    params, number = _constant(0, chosen("zeros", sizes, shape, size), dtype, device)
    return leaf(apply(FILL, (), params, number), requires_grad)


@overload
def ones(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True], shape: Shape | None = None,
    size: Shape | None = None,
) -> Var: ...
@overload
def ones(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, shape: Shape | None = None,
    size: Shape | None = None,
) -> Tensor: ...
def ones(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, shape: Shape | None = None,
    size: Shape | None = None,
) -> Tensor:
    """Ones of a shape, given as ints, as one sequence or by name; float32 unless given.

    ShapeError (TN802) for a negative size.

    >>> tn.ones((2,), dtype=tn.int64)
    tensor([1, 1])
    """
    params, number = _constant(1, chosen("ones", sizes, shape, size), dtype, device)
    return leaf(apply(FILL, (), params, number), requires_grad)


def _constant(number: int, size: tuple[Any, ...], dtype: DTypeLike | None, device: Any) -> tuple[Any, tuple[float]]:
    """Parameters of a constant-filling step, and the number."""
    check_device(device)
    target = dtypes.default_float if dtype is None else as_dtype(dtype)
    params = parameters(("shape", "dtype"), shape_of(size, target), target)
    return params, (float(number) if target.has_gradient else number,)


@overload
def zeros_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True],
) -> Var: ...
@overload
def zeros_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor: ...
def zeros_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:
    """Zeros in the shape and dtype of x.

    >>> tn.zeros_like(tn.tensor([1, 2]))
    tensor([0, 0])
    """
    x = like(x)
    return zeros(x.shape, dtype=x.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad)


@overload
def ones_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True],
) -> Var: ...
@overload
def ones_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor: ...
def ones_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:
    """Ones in the shape and dtype of x.

    >>> tn.ones_like(tn.tensor([1.5, 2.5]))
    tensor([1., 1.])
    """
    x = like(x)
    return ones(x.shape, dtype=x.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad)


@overload
def full_like(
    x: ArrayLike, fill_value: Number | np.generic, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True],
) -> Var: ...
@overload
def full_like(
    x: ArrayLike, fill_value: Number | np.generic, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor: ...
def full_like(
    x: ArrayLike, fill_value: Number | np.generic, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:
    """One number in the shape and dtype of x; DTypeError (TN802) if that cannot hold it.

    >>> tn.full_like(tn.tensor([1, 2]), 7)
    tensor([7, 7])
    """
    x = like(x)
    target = x.dtype if dtype is None else dtype
    return full(x.shape, fill_value, dtype=target, device=device, requires_grad=requires_grad)


def like(x: Any) -> Tensor:
    """Tensor whose shape and dtype are asked for."""
    return x if isinstance(x, record._Tensor) else tensor(x)


@overload
def eye(
    n: int, m: int | None = None, *, k: int = 0,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True],
) -> Var: ...
@overload
def eye(
    n: int, m: int | None = None, *, k: int = 0,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor: ...
@public
def eye(
    n: int, m: int | None = None, *, k: int = 0,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:
    """Ones on a diagonal, ``k`` above the main one, zeros elsewhere; float32 unless given.

    Shape (n, m), or (n, n). ShapeError (TN802) for a negative size.

    >>> tn.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    check_device(device)
    target = dtypes.default_float if dtype is None else as_dtype(dtype)
    n, m = check_shape((n, n if m is None else m), target)
    k = max(-n, min(m, int_of(k, "eye: k")))
    return tensor(np.eye(n, m, k=k, dtype=bool), dtype=target, requires_grad=requires_grad)


@overload
def empty(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True], shape: Shape | None = None,
    size: Shape | None = None,
) -> Var: ...
@overload
def empty(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, shape: Shape | None = None,
    size: Shape | None = None,
) -> Tensor: ...
def empty(
    *sizes: Shape,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, shape: Shape | None = None,
    size: Shape | None = None,
) -> Tensor:
    """A tensor of a shape, to become a place that is written: zeros, as memory that was not written has no value.

    Sizes and errors as in ``tn.zeros``.

    >>> tn.empty(2, 3).shape
    (2, 3)
    """
    params, number = _constant(0, chosen("empty", sizes, shape, size), dtype, device)
    return leaf(apply(FILL, (), params, number), requires_grad)


@overload
def empty_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True],
) -> Var: ...
@overload
def empty_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor: ...
def empty_like(
    x: ArrayLike, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:
    """A tensor in the shape and dtype of x, to become a place that is written: zeros, as of ``tn.empty``.

    >>> tn.empty_like(tn.tensor([1, 2])).shape
    (2,)
    """
    return zeros_like(x, dtype=dtype, device=device, requires_grad=requires_grad)
