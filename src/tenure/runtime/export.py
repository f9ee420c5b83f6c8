"""Copies of arrays that cannot be made writable, nor any array that they lead to.

PyTorch and others take the address of an array and write there, although NumPy says read-only. So an exported array
has memory of its own: a writer changes that array, and nothing else.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]  # its C API, as import_array() has it

from tenure.runtime import buffers
from tenure.runtime.assembler import NULL, Function, Module
from tenure.runtime.extension import AVAILABLE, Extension

__all__ = ["Lent", "frozen", "numpy_api", "read_only"]

Array = np.ndarray[Any, Any]


class Lent:
    """Owner of an exported array's memory, as its base: NumPy finds no writable memory behind it."""

    __slots__ = ("__owner",)

    def __init__(self, owner: Array) -> None:
        self.__owner = owner

    @property
    def __array_interface__(self) -> dict[str, Any]:
        interface = dict(self.__owner.__array_interface__)
        interface["data"] = (interface["data"][0], True)
        return interface


def read_only(array: Array) -> Array:
    """View of the same memory that cannot be made writable, nor any array that it leads to."""
    return np.asarray(Lent(array))


def frozen(array: Array, size: int) -> Array:
    """C-contiguous copy of an array of ``size`` bytes that cannot be made writable."""
    out = buffers.empty(array.shape, array.dtype)
    np.copyto(out, array)
    return read_only(out)


def numpy_api(place: int) -> int:
    """Address of a function of NumPy's C API by its index in the API table, which is fixed."""
    read = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    table = read(("PyCapsule_GetPointer", ctypes.pythonapi))(_multiarray_umath._ARRAY_API, None)
    return ctypes.c_void_p.from_address((table or 0) + place * ctypes.sizeof(ctypes.c_void_p)).value or 0


_NEW_FROM_DESCR, _SET_BASE_OBJECT = 94, 282
_DATA, _NDIM, _SHAPE, _STRIDES, _DTYPE, _FLAGS = 16, 24, 32, 40, 56, 64
"""Offsets of these fields in NumPy's array objects."""
_CONTIGUOUS = 1
"""The flag of arrays in C order."""
_LARGE = 1 << 18
"""Size in bytes from which a copy releases the GIL."""


def _own(m: Module[Function]) -> None:
    """Capsule that returns a block to the pool when it is freed: NumPy finds no writable memory behind it."""
    with m.function("release", "ptr %capsule", returns="void") as f:
        block = f.call("PyCapsule_GetPointer", "ptr %capsule", NULL)
        size = f.value("i64", f"ptrtoint {f.call('PyCapsule_GetContext', 'ptr %capsule')} to i64")
        f.call_at(f.load("ptr @deallocate"), NULL, block, size, returns="void")
        f.ret()
    with m.function("own", "ptr %block", "i64 %size") as f:
        capsule = f.call("PyCapsule_New", "ptr %block", NULL, "ptr @release")
        with f.when(f.equal(capsule, NULL)):
            f.call_at(f.load("ptr @deallocate"), NULL, "ptr %block", "i64 %size", returns="void")
            f.ret(NULL)
        f.call("PyCapsule_SetContext", capsule, f.value("ptr", "inttoptr i64 %size to ptr"), returns="i32")
        f.ret(capsule)


def _source() -> str:
    """frozen(array, size): a read-only array whose base is a capsule that owns its memory."""
    m = Module(Function)
    _own(m)
    with m.function("frozen", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        array = f.load("ptr %args")
        flags = f.load(f.at(array, f"i64 {_FLAGS}", "i8"), "i32")
        with f.when(f.equal(f.do("and", flags, f"i32 {_CONTIGUOUS}"), "i32 0")):
            f.ret(f.call("PyObject_Vectorcall", f.load("ptr @slow"), "ptr %args", "i64 %n", NULL))
        size = f.call("PyLong_AsLongLong", f.load(f.at("ptr %args", "i64 1")), returns="i64")
        block = f.call_at(f.load("ptr @allocate"), NULL, size)
        with f.when(f.equal(block, NULL)):
            f.ret(f.call("PyErr_NoMemory"))
        owner = f.call("own", block, size)
        with f.when(f.equal(owner, NULL)):
            f.ret(NULL)
        dtype, shape, data = (f.load(f.at(array, f"i64 {k}", "i8")) for k in (_DTYPE, _SHAPE, _DATA))
        large = f.value("i1", f"icmp ugt {size}, {_LARGE}")
        state = f.local()
        with f.when(large):
            f.store(f.call("PyEval_SaveThread"), state)
        f.call("memcpy", block, data, size)
        with f.when(large):
            f.call("PyEval_RestoreThread", f.load(state), returns="void")
        ndim = f.load(f.at(array, f"i64 {_NDIM}", "i8"), "i32")
        f.call("Py_IncRef", dtype, returns="void")  # the new array takes it
        kind, new = f.load("ptr @ndarray"), f.load("ptr @new")
        out = f.call_at(new, kind, dtype, ndim, shape, NULL, block, "i32 0", NULL)
        with f.when(f.equal(out, NULL)):
            f.call("Py_DecRef", owner, returns="void")
            f.ret(NULL)
        with f.unless(f.equal(f.call_at(f.load("ptr @set_base"), out, owner, returns="i32"), "i32 0")):
            f.call("Py_DecRef", out, returns="void")
            f.ret(NULL)
        f.ret(out)
    variables = "\n".join(f"@{name} = global ptr null" for name in _VARIABLES)
    return f"{variables}\n{m}"


_VARIABLES = ("ndarray", "slow", "new", "set_base", "allocate", "deallocate")


def _as_known(array: Array) -> bool:
    """Whether NumPy lays out array objects as the generated code expects."""
    found = [ctypes.c_void_p.from_address(id(array) + at).value for at in (_DATA, _DTYPE)]
    ndim, flags = (ctypes.c_int32.from_address(id(array) + at).value for at in (_NDIM, _FLAGS))
    parts = [ctypes.c_void_p.from_address(id(array) + at).value or 0 for at in (_SHAPE, _STRIDES)]
    words = [[ctypes.c_int64.from_address(at + 8 * k).value for k in range(ndim)] for at in parts]
    same = found == [array.ctypes.data, id(array.dtype)] and flags == array.flags.num
    return same and words == [list(array.shape), list(array.strides)]


if AVAILABLE and _as_known(np.zeros((2, 3, 4)).transpose(2, 0, 1)):
    _code = Extension(
        _source(),
        (
            *("PyCapsule_GetContext", "PyCapsule_GetPointer", "PyCapsule_New", "PyCapsule_SetContext"),
            *("PyErr_NoMemory", "PyEval_RestoreThread", "PyEval_SaveThread"),
            *("PyLong_AsLongLong", "PyObject_Vectorcall", "Py_DecRef", "Py_IncRef", "memcpy"),
        ),
        _VARIABLES,
        ("frozen",),
    )
    _code.point("ndarray", np.ndarray)
    _code.point("slow", frozen)
    _code.number("new", numpy_api(_NEW_FROM_DESCR))
    _code.number("set_base", numpy_api(_SET_BASE_OBJECT))
    _code.number("allocate", buffers.allocate)
    _code.number("deallocate", buffers.deallocate)
    frozen = _code.function("frozen", frozen)
