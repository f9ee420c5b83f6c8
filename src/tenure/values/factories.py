"""Tensors of given numbers: zeros, ones, ranges, diagonals. With ``requires_grad`` each is a place and a leaf."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType, DTypeLike, as_dtype
from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import move, promote
from tenure.ops.promote import Operation, parameters
from tenure.values import record
from tenure.values.axes import one_of
from tenure.values.blame import public
from tenure.values.creation import check_device, leaf, tensor
from tenure.values.given import check_number, check_shape, chosen, flag, int_of, shape_of
from tenure.values.hits import apply
from tenure.values.steps import FILL

if TYPE_CHECKING:
    from tenure.values.tensor import Tensor
    from tenure.values.typing import ArrayLike, Number, Shape
    from tenure.values.var import Var


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
    if not isinstance(fill_value, bool | int | float):
        raise DTypeError(f"full: the value is a number, not {shown(fill_value)}")
    target = as_dtype(type(fill_value) if dtype is None else dtype)
    if target.kind == "i":
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
    return params, (float(number) if target.is_floating else number,)


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


IOTA = Operation("arange", lambda start, step, *, length, dtype: _arange(start, step, length, dtype))


def _arange(start: Any, step: Any, length: int, dtype: DType) -> Any:
    inner = dtypes.float64 if dtype.is_floating else dtypes.int64
    count = start.builder.emit(move.iota, (), {"length": length, "dtype": inner})
    line = promote.as_type(start, inner) + count * promote.as_type(step, inner)
    return promote.as_type(line, dtype)


@overload
def arange(
    start: float | None = None, stop: float | None = None, step: float = 1, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True], end: float | None = None,
) -> Var: ...
@overload
def arange(
    start: float | None = None, stop: float | None = None, step: float = 1, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, end: float | None = None,
) -> Tensor: ...
def arange(
    start: float | None = None, stop: float | None = None, step: float = 1, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, end: float | None = None,
) -> Tensor:
    """The numbers start, start + step, … below stop: a tensor of one axis, int64 unless a bound is a float.

    With one bound that is the stop. ``end`` is PyTorch's name for stop. ShapeError (TN802) for a step of zero.

    >>> tn.arange(5), tn.arange(1, 2, 0.25)
    (tensor([0, 1, 2, 3, 4]), tensor([1.0000, 1.2500, 1.5000, 1.7500]))
    """
    check_device(device)
    stop = one_of(stop, end, "arange: stop and end")
    if stop is None or start is None:
        start, stop = 0, start if stop is None else stop
    if stop is None:
        raise TypeError("arange: the stop is missing, as in arange(5)")
    numbers = start, stop, step = [_finite("arange", n) for n in (start, stop, step)]
    if step == 0:
        raise ShapeError("arange: the step is zero")
    whole = not any(isinstance(n, float) for n in numbers)
    target = as_dtype((int if whole else float) if dtype is None else dtype)
    count = -((start - stop) // step) if whole else math.ceil((stop - start) / step)
    length = check_shape((max(0, count),), target)[0]
    if length and target.kind == "i" and dtype is not None:
        check_number("arange", start, target)
        check_number("arange", start + (length - 1) * step, target)
    kind = float if target.is_floating else int
    value = apply(IOTA, (), (("length", length), ("dtype", target)), (kind(start), kind(step)))
    return leaf(value, requires_grad)


def _is_finite(number: float) -> bool:
    return math.isfinite(number) if isinstance(number, float) else abs(number) < 2**64


def _finite(name: str, number: Any) -> Any:
    """Bound of a range as a Python number."""
    if isinstance(number, np.generic) or (isinstance(number, record._Tensor) and number._aval.size == 1):
        number = number.item()
    if type(number) is float and math.isfinite(number):
        return number
    if not isinstance(number, (bool, int, float)) or not _is_finite(number):
        raise DTypeError(f"{name}: {shown(number)} is no finite number")
    return number


@overload
def linspace(
    start: float, stop: float | None = None, num: int | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True], endpoint: bool = True,
    end: float | None = None, steps: int | None = None,
) -> Var: ...
@overload
def linspace(
    start: float, stop: float | None = None, num: int | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, endpoint: bool = True,
    end: float | None = None, steps: int | None = None,
) -> Tensor: ...
@public
def linspace(
    start: float, stop: float | None = None, num: int | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, endpoint: bool = True,
    end: float | None = None, steps: int | None = None,
) -> Tensor:
    """Evenly spaced numbers, ``num`` of them, the ends included (without the last if not ``endpoint``).

    Whole numbers are rounded down. ``end`` and ``steps`` are PyTorch's names for stop and num. DTypeError (TN802) for
    a bound that is not finite.

    >>> tn.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    check_device(device)
    stop, num = one_of(stop, end, "linspace: stop and end"), one_of(num, steps, "linspace: num and steps")
    if stop is None or num is None:
        raise TypeError("linspace: stop or num is missing, as in linspace(0, 1, 5)")
    target = dtypes.default_float if dtype is None else as_dtype(dtype)
    (num,) = check_shape((num,), target)
    start, stop, endpoint = _finite("linspace", start), _finite("linspace", stop), flag("endpoint", endpoint)
    if target.kind == "i" and type(start) is int and type(stop) is int:
        gaps = max(1, num - 1 if endpoint else num)
        return tensor([start + k * (stop - start) // gaps for k in range(num)], dtype=target)
    line = np.linspace(float(start), float(stop), num, endpoint=endpoint)
    return tensor(line, dtype=target, requires_grad=requires_grad)


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
    return tensor(np.eye(n, m, k=k, dtype=target.numpy), requires_grad=requires_grad)
