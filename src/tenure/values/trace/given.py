"""Conversion of the user's data and shapes: nested sequences, numbers and arrays, and sizes."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Iterator, Sequence
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import FrameType
from typing import Any

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType, as_dtype
from tenure.errors import DTypeError, GradientError, OutOfMemory, ShapeError, shown
from tenure.ops.convert import converted
from tenure.runtime import buffers
from tenure.runtime.buffers import empty
from tenure.values.trace import record

MOST_BYTES = 2**47
MOST_AXES = 64
"""Maximal size of an array in bytes, and maximal number of axes: NumPy's limits."""
ALIGNED = 1024
"""Number of elements from which a copy comes from the pool: kernels run twice as fast on whole cache lines."""
PLAIN = frozenset((bool, int, float))
"""Python's types of numbers."""
WEAK: dict[str, type] = {"b": bool, "i": int, "u": int, "f": float, "c": complex}
"""Python's type of number for a kind of array."""
INSTEAD = {"longdouble": "float64", "float128": "float64"}
"""NumPy's dtypes without support so far, each with the dtype to use instead."""


def check_shape(shape: Any, dtype: DType = dtypes.float32) -> tuple[int, ...]:
    """A shape as a tuple of Python ints; TN802 for negative, fractional or absurd sizes, and for too many axes."""
    sizes = shape
    if type(shape) is not tuple and (not isinstance(shape, Sequence) or isinstance(shape, (str, bytes))):
        sizes = (shape,)
    try:
        out = tuple([operator.index(n) for n in sizes])
    except TypeError:
        raise DTypeError(f"a shape is made of ints, not {shown(shape)}") from None
    if any(n < 0 for n in out):
        raise ShapeError(f"sizes are not negative: {shown(list(out))}")
    if len(out) > MOST_AXES:
        raise ShapeError(f"a shape of {len(out)} axes: there are at most {MOST_AXES}")
    if math.prod(out) * dtype.itemsize > MOST_BYTES:
        raise ShapeError(f"a tensor of shape {list(out)} would take {math.prod(out) * dtype.itemsize:.3g} bytes")
    return out


def fitting(name: str, shape: Sequence[int], dtype: DType) -> None:
    """OutOfMemory for what a machine cannot hold, before tables are made for it."""
    size = math.prod(shape) * dtype.itemsize
    if size > min(buffers.MEMORY, MOST_BYTES):
        raise OutOfMemory(f"{name}: there is no memory for a result of shape {list(shape)}, {size:.3g} bytes")


def shape_of(size: tuple[Any, ...], dtype: DType) -> tuple[int, ...]:
    """Shape given as one sequence or as several ints."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        return check_shape(size[0], dtype)
    return check_shape(size, dtype)


def chosen(name: str, sizes: tuple[Any, ...], shape: Any, size: Any) -> tuple[Any, ...]:
    """Sizes given by position, as ``shape=`` (the array API's name) or as ``size=`` (PyTorch's)."""
    if shape is None and size is None:
        return sizes
    if sizes or (shape is not None and size is not None):
        raise TypeError(f"{name}: the shape is given twice: give it by position, as shape=… or as size=…")
    return (size if shape is None else shape,)


def flag(argument: str, x: Any) -> bool:
    """Argument as True or False (0 and 1 are); TN802 for anything else."""
    if x is True or x is False:
        return x
    if isinstance(x, bool | np.bool_) or (isinstance(x, int) and x in (0, 1)):
        return bool(x)
    raise DTypeError(f"{argument} is True or False, not {shown(x)}")


def number(name: str, argument: str, x: Any) -> Any:
    """Argument as a Python number or a tensor; TN802 for anything else."""
    if type(x) in PLAIN or isinstance(x, (bool, int, float, record._Tensor)):
        return x
    if isinstance(x, np.generic) and x.dtype.kind in "biuf":
        return x.item()
    raise DTypeError(f"{name}: {argument} is a number, not {shown(x)}")


def factor(name: str, argument: str, x: Any) -> Any:
    """Argument as a number that may be complex; TN802 for anything else."""
    if isinstance(x, complex):
        return x
    if isinstance(x, np.generic) and x.dtype.kind == "c":
        return x.item()
    return number(name, argument, x)


def int_of(x: Any, what: str) -> int:
    """Argument as a Python int; TN802 for anything else."""
    if type(x) is int:
        return x
    try:
        if isinstance(x, bool | np.bool_):
            raise TypeError
        return operator.index(x)
    except TypeError:
        raise DTypeError(f"{what} is an int, not {shown(x)}") from None


def ints_of(x: Any, what: str) -> tuple[int, ...]:
    """Argument, an int or several, as Python ints; TN802 for anything else."""
    if isinstance(x, tuple | list | range):
        return tuple([int_of(n, f"{what}: each") for n in x])
    return (int_of(x, what),)


def to_array(data: Any, dtype: DType | None, wide: bool = False) -> np.ndarray[Any, Any]:
    """New contiguous array of nested sequences, numbers or an array; TN802 for ragged or foreign data.

    Nested floats are of the default dtype, and of float64 if ``wide``, or if one of them is an element of that dtype.
    """
    if isinstance(data, np.ndarray | np.generic):
        if data.dtype.kind == "V":
            data = as_bits(data)
        if type(data) is not np.ndarray or data.dtype.kind not in "biufc":
            refuse_array(data)
        return _cast(np.asarray(data), dtype or _dtype_of(data))
    plain = _plain(data, 0)
    try:
        array = np.array(plain, order="C")
    except ValueError:
        raise ShapeError(
            f"{argument_of(data)}this nested sequence is ragged: its rows differ in length",
            help="every row must have the same length",
        ) from None
    if array.dtype.kind not in "biufc":
        raise _foreign(data)
    asked = "i" if dtype is None else dtype.kind
    if asked in "iu" and array.dtype == np.float64 and array.size and array.max() >= 2**63:
        array = _whole(plain, array)
    if dtype is None:
        kinds = {"b": dtypes.bool_, "i": dtypes.default_int, "u": dtypes.default_int, "c": dtypes.default_complex}
        dtype = kinds.get(array.dtype.kind, dtypes.default_float) if array.size else dtypes.default_float
        if array.dtype.kind in "fc" and (wide or any(map(_is_wide, _typed(plain)))):
            dtype = dtypes.complex128 if dtype.is_complex else dtypes.float64
    return _cast(array, dtype)


def beside(data: Any, dtype: DType) -> np.ndarray[Any, Any]:
    """New array of nested sequences that a place of a dtype takes: Python's numbers are weak there, as one alone is."""
    array = to_array(data, None, True)
    if any(True for _ in _typed(data)):
        return to_array(data, None)
    return _cast(array, dtypes.promote_scalar(dtype, WEAK[array.dtype.kind]))


def stands_beside_wide(data: Any) -> bool:
    """Whether a function of the library that was given nested sequences was given a tensor of float64 or complex128
    too, so that rounding them to the default dtype would be seen in its result. Looked for in the stack: so it holds
    for every function, without a word of theirs."""
    for frame in _own_frames(sys._getframe(2)):
        code = frame.f_code
        rest = bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
        for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + rest]:
            x = frame.f_locals.get(name)
            if any(map(_is_wide, x)) if isinstance(x, list | tuple) and x is not data else _is_wide(x):
                return True
    return False


def _own_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame and those behind it, as far as they are of the library."""
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith("tenure."):
        yield frame
        frame = frame.f_back


def _is_wide(x: Any) -> bool:
    """Whether a tensor, an array or a NumPy number is of float64 or complex128; a place being made has no dtype."""
    return _has_dtype(x) and getattr(getattr(x, "dtype", None), "name", "") in ("float64", "complex128")


def _has_dtype(x: Any) -> bool:
    return type(x) not in PLAIN and isinstance(x, (np.ndarray, np.generic, record._Tensor))


def _whole(plain: Any, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array of nested sequences of ints, which NumPy makes floats of where some need a uint64, and some do not."""
    if any(not isinstance(x, int) for x in _leaves(plain)):
        return array
    least = min(_leaves(plain))
    if least < 0:
        most = max(_leaves(plain))
        raise DTypeError(f"no integer dtype holds both {least} and {most}", help="write one of them as a float")
    return np.array(plain, np.uint64)


def refuse_array(array: Any) -> None:
    """TN802 for an array with elements that are no numbers, or with masked ones."""
    if type(array) is not np.ndarray and any(of.__module__.startswith("numpy.ma") for of in type(array).__mro__):
        raise DTypeError(
            "a masked array has elements that do not count, and a tensor has none",
            help="give them a number, a.filled(0.0), or leave them out, a.compressed()",
        )
    if array.dtype == object:
        raise DTypeError("an array of Python objects is no tensor", help="give it a numeric dtype first")
    if array.dtype.kind not in "biufc" and array.dtype != dtypes.BFLOAT16:
        raise DTypeError(
            f"an array of dtype {array.dtype} is no tensor", help="a tensor is made of numbers or bools"
        )


def _dtype_of(array: Any) -> DType:
    """Dtype of an array; TN802, with a replacement, where it has no counterpart."""
    try:
        return as_dtype(array.dtype)
    except DTypeError:
        name = array.dtype.name
        raise DTypeError(
            f"an array of dtype {name}: there is no {name} yet",
            help=f"say in which dtype to keep it: tn.tensor(a, dtype=tn.{INSTEAD[name]})",
        ) from None


def check_number(name: str, x: Any, dtype: DType) -> None:
    """TN802 for a Python number outside the range of an integer dtype."""
    if dtype.kind in "iu":
        least, most = dtype.range
        if not least <= x <= most:
            raise DTypeError(f"{name}: the number {x} does not fit in {dtype.name}", help=_wider(x, dtype))


def _wider(x: Any, dtype: DType) -> str:
    """Name of a dtype that holds a number."""
    for wider in (dtypes.int64, dtypes.uint64):
        if wider is not dtype and wider.range[0] <= x <= wider.range[1]:
            return f"give dtype=tn.{wider.name}, or write it as a float"
    return "write it as a float"


def _cast(array: np.ndarray[Any, Any], dtype: DType) -> np.ndarray[Any, Any]:
    """Copy in a dtype; TN802 if a number does not fit in it."""
    if dtype.kind in "iu" and array.dtype.kind in "uif" and not np.can_cast(array.dtype, dtype.numpy) and array.size:
        least, most = dtype.range
        for x in (array.min().item(), array.max().item()):
            if not least <= x <= most:
                raise DTypeError(f"the number {x} does not fit in {dtype.name}", help=_wider(x, dtype))
    if array.dtype.kind == "c" and not dtype.is_complex:
        raise DTypeError(f"complex numbers do not go into {dtype.name}", help="take a.real, or give dtype=tn.complex64")
    if dtype.kind in "fhc" and array.dtype is not dtype.numpy and array.dtype.itemsize >= dtype.numpy.itemsize:
        return _narrowed(array, dtype)
    return _copied(array, dtype)


def _copied(array: np.ndarray[Any, Any], dtype: DType) -> np.ndarray[Any, Any]:
    """Copy in a dtype."""
    if dtypes.BFLOAT16 in (array.dtype, dtype.numpy):
        return np.array(converted(np, array, dtype), order="C")
    if array.size < ALIGNED:
        return np.array(array, dtype=dtype.numpy, order="C", copy=True)
    out = empty(array.shape, dtype.numpy)
    np.copyto(out, array, casting="unsafe")
    return out


_narrowed = np.errstate(over="ignore")(_copied)
"""Copy in a narrower dtype of floats: what is too large is ∞, as in operations, with no warning of NumPy."""


def _plain(data: Any, depth: int) -> Any:
    """Nested sequences with their tensors read."""
    if isinstance(data, list | tuple):
        if depth >= MOST_AXES:
            raise ShapeError(
                f"this nested sequence is deeper than {MOST_AXES} levels, or contains itself",
                help="a tensor has an axis for each level",
            )
        return [_plain(x, depth + 1) for x in data]
    if isinstance(data, record._Tensor):
        if data.requires_grad:
            raise GradientError(
                "tensor() copies data, but an element is differentiable and its gradient would be lost",
                help="join them in the graph with tn.stack([…]), or take x.detach()",
            )
        return np.asarray(data.to(dtypes.float32) if data.dtype is dtypes.bfloat16 else data)
    if isinstance(data, np.ndarray):
        refuse_array(data)
    return data


def _leaves(data: Any) -> Iterator[Any]:
    """Elements of nested sequences."""
    if isinstance(data, list | tuple):
        for x in data:
            yield from _leaves(x)
    else:
        yield data


def _typed(data: Any) -> Iterator[Any]:
    """Elements of nested sequences that have a dtype. A row of Python's numbers is passed over in one look."""
    if not isinstance(data, list | tuple):
        if _has_dtype(data):
            yield data
    elif not PLAIN.issuperset(map(type, data)):
        for x in data:
            yield from _typed(x)


def as_bits(array: Any) -> Any:
    """An array of another library's bfloat16, as one of ours; any other as it is."""
    return array.view(dtypes.BFLOAT16) if array.dtype.name == "bfloat16" else array


PLAIN_CALLS = ("tensor", "value_of", "written_of")
"""Functions whose argument is what they are about, or that the user does not know."""


def argument_of(data: Any) -> str:
    """The outermost function of the library that was given an object, and the name of that argument, as the beginning
    of a message; nothing where it is ``tensor`` itself. Looked for in the stack, when there is an error."""
    found = ""
    for frame in _own_frames(sys._getframe(2)):
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        name = next((k for k in names if frame.f_locals.get(k, names) is data), "")
        if name:
            found = "" if code.co_name.startswith("_") or code.co_name in PLAIN_CALLS else f"{code.co_name}: {name}: "
    return found


def _foreign(data: Any) -> DTypeError:
    """Error for data that is not made of numbers."""
    numbers = (bool, int, float, complex, np.number, np.bool_)
    wrong = next((x for x in _leaves(data) if not isinstance(x, numbers)), data)
    if any(isinstance(x, int) and not -(2**63) <= x < 2**64 for x in _leaves(data)):
        return DTypeError("a number does not fit in int64", help="write it as a float")
    kind = "" if wrong is None else f" of type {type(wrong).__name__}"
    return DTypeError(
        f"{argument_of(data)}{shown(wrong)}{kind} is no number",
        help="a tensor is made of numbers or bools, in nested lists or an array",
    )
