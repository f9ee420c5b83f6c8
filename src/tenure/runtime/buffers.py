"""Aligned arrays from a pool: freed blocks are handed out again, so that a loop in its steady state allocates nothing.

`empty` is `numpy.empty` with another allocator underneath (NEP 49): its arrays own their memory, and the last
reference to go returns the block. Programs may allocate and deallocate blocks themselves, by address. Pages that were
touched once stay mapped: that is the gain of the pool, and the alignment.

On platforms other than 64-bit Linux on x86-64 or aarch64 there is no pool, and arrays are aligned by an offset.
"""

import contextvars
import ctypes
import math
import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]  # its C API, as import_array() has it

from tenure.runtime import blocks
from tenure.runtime.native import LINUX, libc, load

__all__ = [
    "ALIGNMENT",
    "Statistics",
    "allocate",
    "context",
    "deallocate",
    "empty",
    "guarded",
    "numpy_function",
    "purge",
    "set_limit",
    "statistics",
]

ALIGNMENT = 64
"""Alignment of every buffer's address, in bytes, guarded buffers apart."""


class Statistics(NamedTuple):
    """Pool statistics. kept: bytes of free blocks. limit: bytes kept at most. missed: blocks taken from the system."""

    kept: int
    limit: int
    missed: int


class _Protocol(ctypes.Structure):
    """NumPy's PyDataMem_Handler, version 1."""

    _fields_ = (
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        *((name, ctypes.c_void_p) for name in ("context", "allocate", "allocate_zeroed", "resize", "deallocate")),
    )


def empty(shape: int | Sequence[int], dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """New C-contiguous, uninitialized array that owns its memory. MemoryError where there is none left."""
    if _context is None:
        return _by_offset(shape, np.dtype(dtype))
    # A copy, for one context cannot be entered twice at once: threads, and finalizers that allocate.
    return _context.copy().run(np.empty, shape, dtype)


def context() -> contextvars.Context | None:
    """Context in which NumPy allocates from the pool; None where there is no pool."""
    return _context


def statistics() -> Statistics:
    """Statistics of the pool at this moment; zeros where there is no pool."""
    return Statistics(*(_variable(name).value if LINUX else 0 for name in Statistics._fields))


def set_limit(size: int) -> None:
    """Keep at most `size` bytes of free blocks; the default is a quarter of the machine's memory."""
    if size < 0:
        raise ValueError(f"the pool keeps a number of bytes, not {size}")
    if LINUX:
        _variable("limit").value = size
        purge()


def purge() -> None:
    """Give the free blocks back to the system."""
    if LINUX:
        ctypes.CFUNCTYPE(None)(_code["purge"])()


@contextmanager
def guarded() -> Iterator[None]:
    """Test mode: each buffer made within ends exactly at an inaccessible page, and starts as NaN.

    An access past the end, or to a buffer that is gone, is a SIGSEGV at that instruction. For the whole process;
    the pool is not used, and buffers are aligned to their elements only. RuntimeError where there is no pool.
    """
    global _context
    if _context is None:
        raise RuntimeError("there are no guard pages on this platform")
    before, _context = _context, _with_handler("tenure guard", blocks.GUARDED)
    try:
        yield
    finally:
        _context = before


def _by_offset(shape: int | Sequence[int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    size = math.prod(shape if isinstance(shape, Sequence) else (shape,)) * dtype.itemsize
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return np.ndarray(shape, dtype, raw[start : start + size])


def _variable(name: str) -> ctypes.c_int64:
    return ctypes.c_int64.from_address(_code[name])


def numpy_function(place: int) -> int:
    """Address of a function of NumPy's C API, by its place there."""
    read = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    table = read(("PyCapsule_GetPointer", ctypes.pythonapi))(_multiarray_umath._ARRAY_API, None)
    return ctypes.c_void_p.from_address((table or 0) + place * ctypes.sizeof(ctypes.c_void_p)).value or 0


def _with_handler(name: str, functions: Sequence[str]) -> contextvars.Context:
    """Context in which NumPy allocates by `functions`; the handler lives for good, as any array may refer to it."""
    handler = _Protocol(name.encode(), 1, None, *(_code[function] for function in functions))
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(handler))
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    capsule = make(("PyCapsule_New", ctypes.pythonapi))(ctypes.addressof(handler), _HANDLER, None)
    context = contextvars.Context()
    context.run(ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(numpy_function(_SET_HANDLER)), capsule)
    return context


_HANDLER = b"mem_handler"  # the name NumPy asks for; a capsule keeps the pointer, so it lives here
_SET_HANDLER = 304  # PyDataMem_SetHandler's place in NumPy's C API, which is fixed

_code: dict[str, int] = {}
_context: contextvars.Context | None = None
allocate = deallocate = 0
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if LINUX else 1 << 47
"""Bytes of memory that the machine has."""

if LINUX:
    _code = load(blocks.source(page=mmap.PAGESIZE), exports=blocks.EXPORTS + blocks.GUARDED, imports=libc(*blocks.LIBC))
    _context = _with_handler("tenure pool", ["allocate", "allocate_zeroed", "resize", "deallocate"])
    _variable("limit").value = MEMORY // 4
    os.register_at_fork(after_in_child=ctypes.CFUNCTYPE(None)(_code["reset"]))
    allocate, deallocate = _code["allocate"], _code["deallocate"]
