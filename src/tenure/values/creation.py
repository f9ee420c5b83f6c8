"""Tensors from data and from nothing."""

from __future__ import annotations

import math
import operator
import sys
import weakref
from collections.abc import Sequence
from types import FrameType
from typing import Any

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType, DTypeLike, as_dtype
from tenure.errors import DTypeError, GradientError, ShapeError
from tenure.ir.aval import Aval
from tenure.ops import move, promote
from tenure.ops.promote import Operation, parameters
from tenure.runtime.buffers import empty
from tenure.values import record
from tenure.values.hits import apply
from tenure.values.steps import FILL

MOST_BYTES = 2**47
ALIGNED = 1024
"""Elements from which a copy comes from the pool: kernels run twice as fast on whole cache lines."""


def wrap(array: Any, aval: Aval | None = None) -> Any:
    """A value that owns an array: nobody else may write it from now on."""
    h = object.__new__(record._Tensor)
    if aval is None:
        array = np.asarray(array)
        aval = Aval(array.shape, as_dtype(array.dtype))
    h._aval, h._deps, h._trace, h._slot = aval, (), None, 0
    h._data, h._src, h._node = array, None, None
    return h


def check_shape(shape: Any, dtype: DType = dtypes.float32) -> tuple[int, ...]:
    """A shape as a tuple of Python ints; TN802 for negative, fractional or absurd sizes."""
    sizes = shape if isinstance(shape, Sequence) else (shape,)
    try:
        out = tuple([operator.index(n) for n in sizes])
    except TypeError:
        raise DTypeError(f"a shape is made of ints, not {shape!r}") from None
    if any(n < 0 for n in out):
        raise ShapeError(f"sizes are not negative: {list(out)}")
    if math.prod(out) * dtype.itemsize > MOST_BYTES:
        raise ShapeError(f"a tensor of shape {list(out)} would take {math.prod(out) * dtype.itemsize:.3g} bytes")
    return out


def shape_of(size: tuple[Any, ...], dtype: DType) -> tuple[int, ...]:
    """The shape given as one sequence or as several ints."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        return check_shape(size[0], dtype)
    return check_shape(size, dtype)


def to_array(data: Any, dtype: DType | None) -> np.ndarray[Any, Any]:
    """A new contiguous array of nested sequences, numbers or an array; TN802 for ragged or foreign data."""
    if isinstance(data, np.ndarray | np.generic):
        if data.dtype == object:
            raise DTypeError("an array of Python objects is no tensor", help="give it a numeric dtype first")
        return _cast(np.asarray(data), dtype or as_dtype(data.dtype))
    try:
        array = np.array(_plain(data), order="C")
    except ValueError:
        raise ShapeError(
            "this nested sequence is ragged: its rows differ in length", help="every row must have the same length"
        ) from None
    if array.dtype.kind not in "biuf":
        raise _foreign(data)
    if dtype is None:
        kinds = {"b": dtypes.bool_, "i": dtypes.default_int, "u": dtypes.default_int}
        dtype = kinds.get(array.dtype.kind, dtypes.default_float) if array.size else dtypes.default_float
    return _cast(array, dtype)


def _cast(array: np.ndarray[Any, Any], dtype: DType) -> np.ndarray[Any, Any]:
    """A copy in a dtype; TN802 if a number does not fit in it."""
    if dtype.kind == "i" and array.dtype.kind in "uif" and array.dtype != dtype.numpy and array.size:
        most = 2 ** (8 * dtype.itemsize - 1) - 1
        for number in (array.min().item(), array.max().item()):
            if not -most - 1 <= number <= most:
                raise DTypeError(f"the number {number} does not fit in {dtype.name}", help="write it as a float")
    if array.size < ALIGNED:
        return np.array(array, dtype=dtype.numpy, order="C", copy=True)
    out = empty(array.shape, dtype.numpy)
    np.copyto(out, array, casting="unsafe")
    return out


def _plain(data: Any) -> Any:
    """Nested sequences with the tensors in them read."""
    if isinstance(data, list | tuple):
        return [_plain(x) for x in data]
    if isinstance(data, record._Tensor):
        if data.requires_grad:
            raise GradientError(
                "tensor() copies data, but an element is differentiable and its gradient would be lost",
                help="join them in the graph with tn.stack([…]), or take x.detach()",
            )
        return np.asarray(data)
    return data


def _foreign(data: Any) -> DTypeError:
    """What is wrong with data that is not made of numbers."""
    while isinstance(data, list | tuple):
        data = next((x for x in data if isinstance(x, list | tuple) or not isinstance(x, bool | int | float)), data[0])
    if isinstance(data, int):
        return DTypeError("a number does not fit in int64", help="write it as a float")
    if isinstance(data, complex | np.complexfloating):
        return DTypeError("complex numbers are not supported yet", help="keep real and imaginary parts apart")
    return DTypeError(
        f"{data!r:.60} of type {type(data).__name__} is no number",
        help="a tensor is made of numbers or bools, in nested lists or an array",
    )


def tensor(data: Any, *, dtype: DTypeLike | None = None, device: Any = None, requires_grad: bool = False) -> Any:
    """A tensor with a copy of ``data``: a number, nested sequences, or an array (whose dtype is kept).

    With ``requires_grad`` it is a place and a differentiation leaf (``Var``), else a value. Floats become
    float32 and ints int64 unless ``dtype`` says otherwise. Owns its buffer: later changes of ``data`` do not
    show. Raises ShapeError/DTypeError (TN802) for ragged or non-numeric data and GradientError (TN804) for a
    differentiable tensor, which .detach() or .clone() copies.
    """
    check_device(device)
    target = None if dtype is None else as_dtype(dtype)
    if isinstance(data, record._Tensor):
        if data.requires_grad:
            raise GradientError(
                "tensor() copies data, but this is differentiable and its gradient would be lost",
                help="use x.detach() for the number alone, x.clone() to stay in the graph",
            )
        value = data._read() if target is None else data._read().to(target)
    else:
        value = wrap(to_array(data, target))
    return leaf(value, requires_grad)


def leaf(value: Any, requires_grad: bool) -> Any:
    """The value itself, or a differentiable place that starts with it."""
    return record._Var(value, True) if requires_grad else value


def check_differentiable(value: Any) -> None:
    """Only floating tensors can require grad."""
    if not value._aval.dtype.is_floating:
        raise DTypeError(
            f"a tensor of dtype {value._aval.dtype.name} cannot require grad",
            help="only floating dtypes can: give dtype=tn.float32",
        )


def check_device(device: Any) -> None:
    """Only the CPU is there."""
    if device is not None and str(device) not in ("cpu", "cpu:0"):
        raise DTypeError(f"there is no device {device!r}", help='the device is "cpu"')


def as_tensor(data: Any, *, dtype: DTypeLike | None = None, device: Any = None) -> Any:
    """``data`` itself if it is a value of that dtype, the value of a place, else a tensor with a copy of it."""
    if isinstance(data, record._Tensor):
        return data._read() if dtype is None else data.to(dtype)
    return tensor(data, dtype=dtype, device=device)


asarray = as_tensor


def from_numpy(a: np.ndarray[Any, Any], *, copy: bool = True) -> Any:
    """A value with the contents of an array. With ``copy=False`` the array is moved in where that is certain: a
    temporary, as in ``from_numpy(load(), copy=False)``, that owns its memory and that no name, view or weak reference
    refers to. Any other array is copied, for whoever holds it could write it."""
    if not isinstance(a, np.ndarray):
        raise DTypeError(f"from_numpy takes an ndarray, not {type(a).__name__}", help="use tn.tensor(data)")
    if copy or sys.getrefcount(a) > _TEMPORARY or type(a) is not np.ndarray or _is_named(a, sys._getframe(1)):
        return tensor(a)
    owned = a.base is None and a.flags.owndata and a.flags.carray and not weakref.getweakrefcount(a)
    return wrap(a) if owned and a.dtype == as_dtype(a.dtype).numpy else tensor(a)


def _is_named(a: Any, caller: FrameType) -> bool:
    """Whether a local of the caller is the argument: from Python 3.14 on passing it does not count as a reference."""
    return any(held is a for held in caller.f_locals.values())


def _count_temporary() -> int:
    """How often an argument is referred to that the caller has not kept."""

    def probe(a: Any) -> int:
        return sys.getrefcount(a)

    return probe(np.empty(0))


_TEMPORARY = _count_temporary()


def from_dlpack(x: Any, *, device: Any = None, copy: bool | None = None) -> Any:
    """A value with the numbers of an object that has ``__dlpack__``; a tensor gives its value.

    Owns a copy: whoever exports by DLPack may write what it has exported. BufferError for ``copy=False``.
    """
    check_device(device)
    if isinstance(x, record._Tensor):
        return x.detach()
    if copy is False:
        raise BufferError("from_dlpack copies: what the exporter writes later would change a value")
    if not hasattr(x, "__dlpack__"):
        raise DTypeError(f"from_dlpack takes an object with __dlpack__, not {type(x).__name__}")
    try:
        array = np.from_dlpack(x)
    except RuntimeError as error:
        raise DTypeError(f"from_dlpack: {error}", help="convert it to a dtype that NumPy has first") from None
    return tensor(array)


def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """A tensor of one number; its dtype is the number's default unless given."""
    check_device(device)
    if isinstance(fill_value, np.generic):
        fill_value = fill_value.item()
    if not isinstance(fill_value, bool | int | float):
        raise DTypeError(f"full: the value is a number, not {type(fill_value).__name__}")
    target = as_dtype(type(fill_value) if dtype is None else dtype)
    shape = check_shape(size, target)
    params = parameters(("shape", "dtype"), shape, target)
    return leaf(apply(FILL, (), params, (fill_value,)), requires_grad)


def zeros(*size: Any, dtype: DTypeLike | None = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Zeros of a shape, float32 unless given."""
    return _constant(0.0, size, dtype, device, requires_grad)


def ones(*size: Any, dtype: DTypeLike | None = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Ones of a shape, float32 unless given."""
    return _constant(1.0, size, dtype, device, requires_grad)


def _constant(number: float, size: tuple[Any, ...], dtype: DTypeLike | None, device: Any, requires_grad: bool) -> Any:
    target = dtypes.default_float if dtype is None else as_dtype(dtype)
    shape = shape_of(size, target)
    return full(
        shape,
        number if target.is_floating else int(number),
        dtype=target,
        device=device,
        requires_grad=requires_grad,
    )


def zeros_like(x: Any, *, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Any:
    """Zeros of the shape and dtype of x."""
    return zeros(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad)


def ones_like(x: Any, *, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Any:
    """Ones of the shape and dtype of x."""
    return ones(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad)


def full_like(x: Any, fill_value: Any, *, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Any:
    """One number in the shape and dtype of x."""
    return full(x.shape, fill_value, dtype=dtype or x.dtype, requires_grad=requires_grad)


IOTA = Operation("arange", lambda start, step, *, length, dtype: _arange(start, step, length, dtype))


def _arange(start: Any, step: Any, length: int, dtype: DType) -> Any:
    inner = dtypes.float64 if dtype.is_floating else dtypes.int64
    count = start.builder.emit(move.iota, (), {"length": length, "dtype": inner})
    line = promote.as_type(start, inner) + count * promote.as_type(step, inner)
    return promote.as_type(line, dtype)


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """start, start + step, … below stop; int64 unless a bound is a float."""
    check_device(device)
    if stop is None:
        start, stop = 0, start
    numbers = start, stop, step = [_finite(n) for n in (start, stop, step)]
    if step == 0:
        raise ShapeError("arange: the step is zero")
    whole = not any(isinstance(n, float) for n in numbers)
    target = as_dtype((int if whole else float) if dtype is None else dtype)
    count = -((start - stop) // step) if whole else math.ceil((stop - start) / step)
    length = check_shape((max(0, count),), target)[0]
    kind = float if target.is_floating else int
    value = apply(IOTA, (), (("length", length), ("dtype", target)), (kind(start), kind(step)))
    return leaf(value, requires_grad)


def _finite(number: Any) -> Any:
    """A bound of a range as a Python number."""
    if isinstance(number, np.generic | record._Tensor):
        number = number.item()
    if not isinstance(number, bool | int | float) or not math.isfinite(number):
        raise DTypeError(f"arange: {number!r} is no finite number")
    return number


def linspace(
    start: float,
    stop: float,
    num: int,
    *,
    dtype: DTypeLike | None = None,
    endpoint: bool = True,
    requires_grad: bool = False,
) -> Any:
    """``num`` evenly spaced numbers, the ends included (without the last if not ``endpoint``); whole ones rounded
    down."""
    target = dtypes.default_float if dtype is None else as_dtype(dtype)
    (num,) = check_shape((num,), target)
    if target.kind == "i" and type(start) is int and type(stop) is int:
        gaps = max(1, num - 1 if endpoint else num)
        return tensor([start + k * (stop - start) // gaps for k in range(num)], dtype=target)
    return tensor(np.linspace(start, stop, num, endpoint=endpoint), dtype=target, requires_grad=requires_grad)


def eye(n: int, m: int | None = None, *, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Any:
    """The identity matrix, float32 unless given."""
    target = dtypes.default_float if dtype is None else as_dtype(dtype)
    n, m = check_shape((n, n if m is None else m), target)
    return tensor(np.eye(n, m, dtype=target.numpy), requires_grad=requires_grad)
