"""Arrays whose elements a tensor's write has changed: a read of one stops (TN506), with both lines.

An array that NumPy holds is a plain one until then. A write changes its class in place, to a subclass with the same
members in memory, whose methods stop. Code that reads memory without a method (a C function, a view of the array taken
before) finds the elements written, as in PyTorch.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import Any, NoReturn

import numpy as np

from tenure.errors import BorrowError
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.sites import here, site

_LINES: dict[int, tuple[CodeSite, CodeSite, Any]] = {}
_FREE = {
    "shape", "dtype", "ndim", "size", "nbytes", "itemsize", "strides", "flags", "setflags", "base", "__class__",
    "__len__",
    "__array_priority__", "__array_finalize__", "__array_ufunc__", "__array_function__", "__hash__", "__doc__",
}  # fmt: skip
_READS = (
    "__getitem__ __setitem__ __iter__ __contains__ __repr__ __str__ __format__ __bool__ __int__ __float__ __complex__"
    " __index__ __array__ __array_ufunc__ __array_function__ __copy__ __deepcopy__ __reduce__ __reduce_ex__"
)


class _Slot(ctypes.Structure):
    _fields_ = (("slot", ctypes.c_int), ("of", ctypes.c_void_p))


class _Spec(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("basicsize", ctypes.c_int),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("slots", ctypes.POINTER(_Slot)),
    )


def _of_arrays(name: str) -> Any:
    """Subclass of arrays with their memory, which has no header for the collector of cycles, as arrays have none."""
    make = ctypes.pythonapi.PyType_FromSpecWithBases
    make.restype, make.argtypes = ctypes.py_object, (ctypes.POINTER(_Spec), ctypes.py_object)
    spec = _Spec(name.encode(), 0, 0, 1 << 18 | 1 << 10, (_Slot * 1)())  # the default features, and a base class
    return make(ctypes.byref(spec), (np.ndarray,))


Outdated = _of_arrays("tenure.torch.cells.outdated.Outdated")


def _attribute(array: Any, name: str) -> Any:
    return object.__getattribute__(array, name) if name in _FREE else _stop(array)


def _stop(array: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """TN506 of an array, or of the one among the operands of a NumPy function."""
    taken, written, _ = _LINES[id(array)]
    raise BorrowError(
        "an array of a tensor's elements is read after the tensor was written",
        code="TN506",
        at=site(here()),
        notes=[("the array was taken here", site(taken)), ("the tensor was written here", site(written))],
        help="`.detach().clone().numpy()` has elements of its own; or take the array again",
    )


Outdated.__getattribute__ = _attribute
for _name in _READS.split():
    setattr(Outdated, _name, _stop)


def outdate(array: Any, taken: CodeSite, written: CodeSite) -> None:
    """Make an array one that is not to be read."""
    if type(array) is np.ndarray:
        name = id(array)
        _LINES[name] = taken, written, weakref.ref(array, lambda _: _LINES.pop(name, None))
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(Outdated))  # each object of a class made at run time holds it
        ctypes.c_void_p.from_address(name + object.__basicsize__ - ctypes.sizeof(ctypes.c_void_p)).value = id(Outdated)


def check_current(array: Any) -> None:
    """TN506 for an array whose elements a tensor's write has changed."""
    if type(array) is Outdated:
        _stop(array)
