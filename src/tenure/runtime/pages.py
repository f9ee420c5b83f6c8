"""Arrays of the same numbers on shared pages, copied on write: a writer gets a copy of its page.

pages = Pages(array)      a sealed file of the array's numbers in memory
pages.mapped()            an array of them at an address of its own, read-only for NumPy

For programs that export one array many times: a mapping takes as long for one page as for a million. The file costs
four copies, and reading a fresh mapping once as much as copying, so it pays from the fifth on (``COPIES``).
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

import numpy as np

from tenure.runtime.native import LINUX

__all__ = ["AVAILABLE", "COPIES", "Pages"]

Array = np.ndarray[Any, Any]

AVAILABLE: bool = LINUX and hasattr(os, "memfd_create")
"""Whether the system has sealable files in memory."""

COPIES = 4
"""Number of copies of an array that take as long as its file."""

_READ_WRITE, _PRIVATE, _NO_RESERVE, _FAILED = 0x1 | 0x2, 0x02, 0x4000, ctypes.c_void_p(-1).value
_ADD_SEALS, _SEALS = 1033, 0x1 | 0x2 | 0x4 | 0x8
"""Linux's fcntl numbers, and the seals: no more seals, no shrinking, no growing, no writing."""
_MOST = 16384
"""Mappings at one time, at most; Linux lets a process have 65,530."""


class Pages:
    """A sealed file in memory with the numbers of an array. OSError where the system gives no file."""

    __slots__ = ("_fd", "_file", "_like", "_size")

    def __init__(self, array: Array) -> None:
        self._fd, self._file, self._size = -1, (0, 0), array.nbytes
        self._like = {"version": 3, "shape": array.shape, "typestr": array.dtype.str}
        numbers = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        self._fd = os.memfd_create("tenure", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._file = self._which()
        written = 0
        while written < numbers.nbytes:
            written += os.write(self._fd, numbers[written:])
        if _fcntl(self._fd, _ADD_SEALS, _SEALS) < 0:
            raise OSError(ctypes.get_errno(), "the file is not sealed")

    def mapped(self) -> Array:
        """Array of the numbers at an address of its own. OSError where there is no room for it, or the file is gone."""
        if len(_MAPPED) >= _MOST or self._which() != self._file:
            raise OSError("no mapping")
        return np.asarray(_Mapping(self._fd, self._size, self._like))

    def _which(self) -> tuple[int, int]:
        """Identity of the open file: a program may have closed all descriptors, and opened others since."""
        found = os.fstat(self._fd)
        return found.st_dev, found.st_ino

    def __del__(self) -> None:
        try:
            if self._fd >= 0 and self._which() == self._file:
                os.close(self._fd)
        except OSError:
            pass


class _Mapping:
    """Private mapping of a file's pages, for as long as the object lives."""

    __slots__ = ("__array_interface__", "_at", "_size")

    def __init__(self, fd: int, size: int, like: dict[str, Any]) -> None:
        self._size = size
        self._at = _mmap(None, size, _READ_WRITE, _PRIVATE | _NO_RESERVE, fd, 0)
        if self._at == _FAILED:
            raise OSError(ctypes.get_errno(), "mmap")
        _MAPPED.add(self._at)
        self.__array_interface__ = {**like, "data": (self._at, True)}

    def __del__(self) -> None:
        if self._at != _FAILED:
            _MAPPED.discard(self._at)
            _munmap(self._at, self._size)


_MAPPED: set[int] = set()
"""Addresses of the mappings."""

if AVAILABLE:
    _libc = ctypes.CDLL(None, use_errno=True)
    _mmap, _munmap, _fcntl = _libc.mmap, _libc.munmap, _libc.fcntl
    _mmap.restype = ctypes.c_void_p
    _mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_int64)
    _munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
