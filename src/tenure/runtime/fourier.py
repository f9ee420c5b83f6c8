"""pocketfft, as NumPy has it: the addresses of the loops of its generalized ufuncs, which generated code calls.

    void loop(char **args, intptr_t *dimensions, intptr_t *steps, void *data)

``args`` are the input, the factor and the output; ``dimensions`` the number of transforms and the sizes of both axes;
``steps`` the bytes from one transform to the next of each of the three, then those from element to element of the input
and of the output; ``data`` points to a byte, 1 for a forward transform (NumPy's ``_pocketfft_umath.cpp``). The loops
need no lock of Python's. The fields of a ufunc are part of NumPy's binary interface (``ufuncobject.h``).
"""

from __future__ import annotations

import ctypes
from importlib import import_module
from typing import Any

from tenure.errors import InternalError

LOOPS = {
    "pocketfft_c2c_64": ("fft", "Ff->F"),
    "pocketfft_c2c_128": ("fft", "Dd->D"),
    "pocketfft_r2c_even_32": ("rfft_n_even", "ff->F"),
    "pocketfft_r2c_even_64": ("rfft_n_even", "dd->D"),
    "pocketfft_r2c_odd_32": ("rfft_n_odd", "ff->F"),
    "pocketfft_r2c_odd_64": ("rfft_n_odd", "dd->D"),
    "pocketfft_c2r_64": ("irfft", "Ff->f"),
    "pocketfft_c2r_128": ("irfft", "Dd->d"),
}
"""The ufunc and the signature of each loop, by the name under which code calls it."""


class Fields(ctypes.Structure):
    """The fields of a ufunc behind the object's head, up to its loops' dtypes."""

    _fields_ = (
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.c_void_p),
        ("ntypes", ctypes.c_int),
    )


def loop(name: str) -> tuple[int, Any]:
    """The address of a loop, and the ufunc that has it; InternalError where NumPy's are not as known here."""
    of, signature = LOOPS[name]
    ufunc = getattr(import_module("numpy.fft._pocketfft_umath"), of, None)
    if ufunc is None or signature not in ufunc.types:
        raise InternalError(f"this NumPy has no transform {of} of {signature}")
    fields = Fields.from_address(id(ufunc) + object.__basicsize__)
    if (fields.nin, fields.nout, fields.nargs, fields.ntypes) != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes):
        raise InternalError("the ufuncs of this NumPy are laid out in another way")
    return fields.functions[ufunc.types.index(signature)], ufunc
