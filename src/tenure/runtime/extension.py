"""Builtin functions and methods with generated code, as an extension module in C would define them.

CPython calls them as it calls its own, without an argument tuple or a frame. The code works with the C API alone;
where an object keeps a slot is found by looking.
"""

from __future__ import annotations

import ctypes
import inspect
import os
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from types import CodeType
from typing import Any

from tenure.runtime.native import LINUX, load

__all__ = ["AVAILABLE", "Extension", "offset"]

AVAILABLE: bool = (
    LINUX
    and sys.implementation.name == "cpython"
    and (3, 11) <= sys.version_info < (3, 15)
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
    and os.environ.get("TENURE_BUILTINS", "1") != "0"
)
"""Whether generated builtins exist: on CPython with the GIL, of a version whose object layout is known, unless
TENURE_BUILTINS is 0. Each of them has a twin in Python, which then serves."""

_KEPT: list[Any] = []
"""References that keep alive the objects to which code and builtins point."""
ORIGINAL = "original_"
"""Prefix of a name by which code calls a function of the C API that it has a function of its own for."""
_WORD = ctypes.sizeof(ctypes.c_void_p)
_FASTCALL, _KEYWORDS = 0x80, 0x02
_VARIADIC = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
_SIMPLE = (bool, int, float, type(None))


class _Method(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class _Attribute(ctypes.Structure):
    """CPython's PyGetSetDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("get", ctypes.c_void_p),
        ("set", ctypes.c_void_p),
        ("doc", ctypes.c_char_p),
        ("closure", ctypes.c_void_p),
    )


class Extension:
    """Generated code of type ``PyObject *f(PyObject *self, PyObject **args, Py_ssize_t count)``, loaded for good.

    ``api`` are the functions of Python's C API that the module declares, ``variables`` what it exports as pointers,
    ``functions`` what it exports to be called.
    """

    def __init__(self, source: str, api: Sequence[str], variables: Sequence[str], functions: Sequence[str]) -> None:
        self._address = load(source, exports=[*variables, *functions], imports=_python(api))

    def point(self, variable: str, to: Any, at: int = 0) -> None:
        """Set a pointer of the code, or the word ``at`` of a table, to an object, which then lives for good."""
        _KEPT.append(to)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(to))
        ctypes.c_void_p.from_address(self._address[variable] + at * _WORD).value = id(to)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._address

    def address(self, symbol: str) -> int:
        """Address of a function or variable."""
        return self._address[symbol]

    def number(self, variable: str, value: int, at: int = 0) -> None:
        """Set an integer word of the code."""
        ctypes.c_int64.from_address(self._address[variable] + at * _WORD).value = value

    def function(self, symbol: str, like: Callable[..., Any], *, keywords: bool = False) -> Any:
        """Builtin function with the name and docstring of another one; ``keywords`` as for a method."""
        make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
        made: Any = make(("PyCFunction_NewEx", ctypes.pythonapi))(
            ctypes.addressof(self._method(symbol, like, "", _KEYWORDS if keywords else 0)), None, None
        )
        return made

    def method(self, symbol: str, like: Callable[..., Any], of: type, *, keywords: bool = False) -> Any:
        """Builtin method of a class; with ``keywords`` the names of keyword arguments are handed to the code too."""
        make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.c_void_p)
        made = self._method(symbol, like, "$", _KEYWORDS if keywords else 0)
        out: Any = make(("PyDescr_NewMethod", ctypes.pythonapi))(of, ctypes.addressof(made))
        return out

    def attribute(self, get: str, set_: str, like: property, of: type) -> Any:
        """Builtin attribute of a class: ``get`` is ``PyObject *f(PyObject *self, void *)``, ``set_`` is ``int
        f(PyObject *self, PyObject *v, void *)``, with v NULL for a deletion."""
        name = (like.fget.__name__ if like.fget else "").encode()
        made = _Attribute(name, self._address[get], self._address[set_], (like.__doc__ or "").encode(), None)
        _KEPT.append(made)
        make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.c_void_p)
        out: Any = make(("PyDescr_NewGetSet", ctypes.pythonapi))(of, ctypes.addressof(made))
        return out

    def _method(self, symbol: str, like: Callable[..., Any], first: str = "", flags: int = 0) -> _Method:
        doc = f"{_signature(like, first)}{like.__doc__ or ''}"
        made = _Method(like.__name__.encode(), self._address[symbol], _FASTCALL | flags, doc.encode())
        _KEPT.append(made)
        return made


def _signature(like: Callable[..., Any], mark: str) -> str:
    """Signature line, which CPython reads from the start of a builtin's docstring; ``$`` marks the argument self."""
    own = inspect.unwrap(like)
    code: CodeType = own.__code__
    count, most = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    defaults = own.__defaults__ or ()
    given = dict(zip(code.co_varnames[count - len(defaults) : count], defaults, strict=True))
    given |= own.__kwdefaults__ or {}
    if code.co_flags & _VARIADIC or any(type(d) not in _SIMPLE for d in given.values()):
        return ""
    told = [f"{name}={given[name]!r}" if name in given else name for name in code.co_varnames[:most]]
    if most > count:
        told.insert(count, "*")
    return f"{like.__name__}({mark}{', '.join(told)})\n--\n\n"


def offset(cls: type, slot: str) -> int:
    """Offset in bytes of a slot within an object of a class."""
    probe: Any = object.__new__(cls)
    mark = object()
    getattr(cls, slot).__set__(probe, mark)
    words = range(2 * _WORD, cls.__basicsize__, _WORD)
    found = [at for at in words if ctypes.c_void_p.from_address(id(probe) + at).value == id(mark)]
    if len(found) != 1:
        raise RuntimeError(f"{cls.__name__}.{slot} is not where slots are")
    return found[0]


def _python(names: Sequence[str]) -> Mapping[str, int]:
    found = {name: ctypes.pythonapi[name.removeprefix(ORIGINAL)] for name in names}
    return {name: ctypes.cast(function, ctypes.c_void_p).value or 0 for name, function in found.items()}
