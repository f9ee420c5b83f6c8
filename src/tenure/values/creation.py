"""Tensors from data and from nothing."""

from __future__ import annotations

import math
import sys
import weakref
from types import FrameType
from typing import Any

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType, DTypeLike, as_dtype
from tenure.errors import DTypeError, GradientError, ShapeError, shown
from tenure.ir.aval import Aval
from tenure.ops import move, promote
from tenure.ops.promote import Operation, parameters
from tenure.values import record
from tenure.values.blame import public
from tenure.values.given import check_number, check_shape, chosen, flag, int_of, refuse_array, shape_of, to_array
from tenure.values.hits import apply
from tenure.values.steps import FILL


def wrap(array: Any, aval: Aval | None = None) -> Any:
    """A value that owns an array: nobody else may write it from now on."""
    h = object.__new__(record._Tensor)
    if aval is None:
        array = np.asarray(array)
        aval = Aval(array.shape, as_dtype(array.dtype))
    h._aval, h._deps, h._trace, h._slot = aval, (), None, 0
    h._data, h._src, h._node = array, None, None
    return h


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
    if requires_grad is False or not flag("requires_grad", requires_grad):
        return value
    return record._Var(value, True)


def check_differentiable(value: Any) -> None:
    """Only floating tensors can require grad."""
    if not value._aval.dtype.is_floating:
        raise DTypeError(
            f"a tensor of dtype {value._aval.dtype.name} cannot require grad",
            help="only floating dtypes can: give dtype=tn.float32",
        )


def check_device(device: Any) -> None:
    """Only the CPU is there."""
    if device is not None and (not isinstance(device, str) or device not in ("cpu", "cpu:0")):
        raise DTypeError(f"there is no device {shown(device)}", help='the device is "cpu"')


def as_tensor(data: Any, *, dtype: DTypeLike | None = None, device: Any = None, copy: bool | None = None) -> Any:
    """``data`` itself if it is a value of that dtype, the value of a place, else a tensor with a copy of it.

    ``copy`` is the array API's: a value never changes, so that it is its own copy; ValueError for ``copy=False``
    where numbers would have to be copied.
    """
    check_device(device)
    copy = None if copy is None else flag("asarray: copy", copy)
    if isinstance(data, record._Tensor):
        if copy is False and dtype is not None and data._aval.dtype is not as_dtype(dtype):
            raise ValueError("as_tensor, asarray: a cast copies the numbers, and copy=False forbids it")
        return data._read() if dtype is None else data.to(dtype)
    if copy is False:
        raise ValueError(
            f"as_tensor, asarray: the numbers of a {type(data).__name__} are copied, and copy=False forbids it;"
            " tn.from_numpy(a, copy=False) takes an array that nobody else holds"
        )
    return tensor(data, dtype=dtype, device=device)


asarray = as_tensor


def from_numpy(a: np.ndarray[Any, Any], *, copy: bool = True) -> Any:
    """A value with the contents of an array. With ``copy=False`` the array is moved in where that is certain: a
    temporary, as in ``from_numpy(load(), copy=False)``, that owns its memory and that no name, view or weak reference
    refers to. Any other array is copied, for whoever holds it could write it."""
    if not isinstance(a, np.ndarray):
        raise DTypeError(f"from_numpy takes an ndarray, not {shown(a)}", help="use tn.tensor(data)")
    if copy is not False and flag("copy", copy):
        return tensor(a)
    if sys.getrefcount(a) > _TEMPORARY or type(a) is not np.ndarray or _is_named(a, sys._getframe(1)):
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
    if copy is not None and not flag("copy", copy):
        raise BufferError("from_dlpack copies: what the exporter writes later would change a value")
    if not hasattr(x, "__dlpack__"):
        raise DTypeError(f"from_dlpack takes an object with __dlpack__, not {shown(x)}")
    if isinstance(x, np.ndarray):
        refuse_array(x)
    try:
        array = np.from_dlpack(x)
    except (RuntimeError, BufferError) as error:
        raise DTypeError(f"from_dlpack: {error}", help="convert it to a dtype that NumPy has first") from None
    return tensor(array)


def full(
    shape: Any = None,
    fill_value: Any = None,
    *,
    dtype: DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
    size: Any = None,
) -> Any:
    """A tensor of one number; its dtype is the number's default unless given. ``size`` is PyTorch's name for shape."""
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


def zeros(
    *sizes: Any,
    dtype: DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
    shape: Any = None,
    size: Any = None,
) -> Any:
    """Zeros of a shape, given as ints, as one sequence or by name; float32 unless given."""
    params, number = _constant(0, chosen("zeros", sizes, shape, size), dtype, device)
    return leaf(apply(FILL, (), params, number), requires_grad)


def ones(
    *sizes: Any,
    dtype: DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
    shape: Any = None,
    size: Any = None,
) -> Any:
    """Ones of a shape, given as ints, as one sequence or by name; float32 unless given."""
    params, number = _constant(1, chosen("ones", sizes, shape, size), dtype, device)
    return leaf(apply(FILL, (), params, number), requires_grad)


def _constant(number: int, size: tuple[Any, ...], dtype: DTypeLike | None, device: Any) -> tuple[Any, tuple[float]]:
    """The parameters of a step that gives one number everywhere, and the number."""
    check_device(device)
    target = dtypes.default_float if dtype is None else as_dtype(dtype)
    params = parameters(("shape", "dtype"), shape_of(size, target), target)
    return params, (float(number) if target.is_floating else number,)


def zeros_like(x: Any, *, dtype: DTypeLike | None = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Zeros of the shape and dtype of x."""
    x = like(x)
    return zeros(x.shape, dtype=x.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad)


def ones_like(x: Any, *, dtype: DTypeLike | None = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Ones of the shape and dtype of x."""
    x = like(x)
    return ones(x.shape, dtype=x.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad)


def full_like(
    x: Any, fill_value: Any, *, dtype: DTypeLike | None = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """One number in the shape and dtype of x."""
    x = like(x)
    target = x.dtype if dtype is None else dtype
    return full(x.shape, fill_value, dtype=target, device=device, requires_grad=requires_grad)


def like(x: Any) -> Any:
    """What has the shape and dtype that are asked for."""
    return x if isinstance(x, record._Tensor) else tensor(x)


IOTA = Operation("arange", lambda start, step, *, length, dtype: _arange(start, step, length, dtype))


def _arange(start: Any, step: Any, length: int, dtype: DType) -> Any:
    inner = dtypes.float64 if dtype.is_floating else dtypes.int64
    count = start.builder.emit(move.iota, (), {"length": length, "dtype": inner})
    line = promote.as_type(start, inner) + count * promote.as_type(step, inner)
    return promote.as_type(line, dtype)


def either(name: str, own: str, x: Any, other: str, y: Any) -> Any:
    """An argument under either of two names."""
    if x is not None and y is not None:
        raise TypeError(f"{name}: {own} and {other} are two names of one argument: give one of them")
    return y if x is None else x


def arange(
    start: float | None = None,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
    end: float | None = None,
) -> Any:
    """start, start + step, … below stop; int64 unless a bound is a float. ``end`` is PyTorch's name for stop."""
    check_device(device)
    stop = either("arange", "stop", stop, "end", end)
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
    """A bound of a range as a Python number."""
    if isinstance(number, np.generic) or (isinstance(number, record._Tensor) and number._aval.size == 1):
        number = number.item()
    if type(number) is float and math.isfinite(number):
        return number
    if not isinstance(number, (bool, int, float)) or not _is_finite(number):
        raise DTypeError(f"{name}: {shown(number)} is no finite number")
    return number


@public
def linspace(
    start: float,
    stop: float | None = None,
    num: int | None = None,
    *,
    dtype: DTypeLike | None = None,
    device: Any = None,
    endpoint: bool = True,
    requires_grad: bool = False,
    end: float | None = None,
    steps: int | None = None,
) -> Any:
    """``num`` evenly spaced numbers, the ends included (without the last if not ``endpoint``); whole ones rounded
    down. ``end`` and ``steps`` are PyTorch's names for stop and num."""
    check_device(device)
    stop, num = either("linspace", "stop", stop, "end", end), either("linspace", "num", num, "steps", steps)
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


@public
def eye(
    n: int,
    m: int | None = None,
    *,
    k: int = 0,
    dtype: DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Ones on a diagonal, ``k`` above the main one, zeros elsewhere; float32 unless given."""
    check_device(device)
    target = dtypes.default_float if dtype is None else as_dtype(dtype)
    n, m = check_shape((n, n if m is None else m), target)
    k = max(-n, min(m, int_of(k, "eye: k")))
    return tensor(np.eye(n, m, k=k, dtype=target.numpy), requires_grad=requires_grad)
