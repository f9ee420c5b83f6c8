"""Arrays that share memory and cannot be made writable, nor any that they lead to."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]  # its C API, as import_array() has it

from tenure.runtime.assembler import NULL, Function, Module
from tenure.runtime.extension import AVAILABLE, Extension

__all__ = ["Lent", "numpy_api", "read_only"]

Array = np.ndarray[Any, Any]


class Lent:
    """What stands between an exported array and the buffer: NumPy finds no writable memory behind it."""

    __slots__ = ("__owner",)

    def __init__(self, owner: Array) -> None:
        self.__owner = owner

    @property
    def __array_interface__(self) -> dict[str, Any]:
        interface = dict(self.__owner.__array_interface__)
        interface["data"] = (interface["data"][0], True)
        return interface


def read_only(array: Array) -> Array:
    """The same memory as an array that cannot be made writable, nor any that it leads to."""
    return np.asarray(Lent(array))


def numpy_api(place: int) -> int:
    """The address of a function of NumPy's C API by its place there, which is fixed."""
    read = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    table = read(("PyCapsule_GetPointer", ctypes.pythonapi))(_multiarray_umath._ARRAY_API, None)
    return ctypes.c_void_p.from_address((table or 0) + place * ctypes.sizeof(ctypes.c_void_p)).value or 0


_NEW_FROM_DESCR, _SET_BASE_OBJECT = 94, 282
_DATA, _NDIM, _SHAPE, _STRIDES, _DTYPE = 16, 24, 32, 40, 56
"""Where arrays keep them."""


def _source() -> str:
    """read_only(array): an array of the same memory without the right to write, whose base is a ``Lent``."""
    module = Module(Function)
    with module.function("read_only", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        array, kind = f.load("ptr %args"), f.load("ptr @ndarray")
        owner = f.call("PyObject_CallFunctionObjArgs", f.load("ptr @lent"), array, NULL, variadic=True)
        with f.when(f.equal(owner, NULL)):
            f.give(NULL)
        dtype, shape, strides, data = (f.load(f.at(array, f"i64 {k}", "i8")) for k in (_DTYPE, _SHAPE, _STRIDES, _DATA))
        ndim = f.load(f.at(array, f"i64 {_NDIM}", "i8"), "i32")
        f.call("Py_IncRef", dtype, gives="void")  # the new array takes it
        out = f.call_at(f.load("ptr @new"), kind, dtype, ndim, shape, strides, data, "i32 0", NULL)
        with f.when(f.equal(out, NULL)):
            f.call("Py_DecRef", owner, gives="void")
            f.give(NULL)
        failed = f.call_at(f.load("ptr @set_base"), out, owner, gives="i32")
        with f.unless(f.equal(failed, "i32 0")):
            f.call("Py_DecRef", out, gives="void")
            f.give(NULL)
        f.give(out)
    variables = "\n".join(f"@{name} = global ptr null" for name in ("ndarray", "lent", "new", "set_base"))
    return f"{variables}\n{module}"


def _as_known(array: Array) -> bool:
    """Whether an array keeps its parts where the code looks for them."""
    found = [ctypes.c_void_p.from_address(id(array) + at).value for at in (_DATA, _DTYPE)]
    ndim = ctypes.c_int32.from_address(id(array) + _NDIM).value
    parts = [ctypes.c_void_p.from_address(id(array) + at).value or 0 for at in (_SHAPE, _STRIDES)]
    words = [[ctypes.c_int64.from_address(at + 8 * k).value for k in range(ndim)] for at in parts]
    return found == [array.ctypes.data, id(array.dtype)] and words == [list(array.shape), list(array.strides)]


if AVAILABLE and _as_known(np.zeros((2, 3, 4)).transpose(2, 0, 1)):
    _code = Extension(
        _source(),
        ("PyObject_CallFunctionObjArgs", "Py_DecRef", "Py_IncRef"),
        ("ndarray", "lent", "new", "set_base"),
        ("read_only",),
    )
    _code.point("ndarray", np.ndarray)
    _code.point("lent", Lent)
    _code.number("new", numpy_api(_NEW_FROM_DESCR))
    _code.number("set_base", numpy_api(_SET_BASE_OBJECT))
    read_only = _code.function("read_only", read_only)
